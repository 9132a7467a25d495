// The same, with storage behind private endpoints.
using 'main.bicep'

param privateNetwork = true
param rotationMode = readEnvironmentVariable('ROTATION_MODE', 'dryRun')
param actionGroupId = readEnvironmentVariable('KEYTURN_ACTION_GROUP_ID', '')
