// What to deploy. Everything not named here has the default of main.bicep.
// `azd env set NAME VALUE`, or a variable of that name, sets what is read from the environment.
using 'main.bicep'

// Start with a dry run; set `live` after you have read its report.
param rotationMode = readEnvironmentVariable('ROTATION_MODE', 'dryRun')

// Where alerts go: /subscriptions/…/providers/microsoft.insights/actionGroups/…
param actionGroupId = readEnvironmentVariable('KEYTURN_ACTION_GROUP_ID', '')
