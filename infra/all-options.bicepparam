// Every option that is off by default, turned on: an example to copy from, and what the tests look at.
using 'main.bicep'

param name = 'keyturn-all'
param tags = { owner: 'endpoint-security' }
param nodeVersion = '22'
param storageSku = 'Standard_ZRS'
param privateNetwork = true
param reportRetentionDays = 365
param reportImmutabilityDays = 400
param requestSenderPrincipalIds = ['00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-0000000000a2']
param actionGroupId = '/subscriptions/00000000-0000-0000-0000-000000000002/resourceGroups/oncall/providers/microsoft.insights/actionGroups/oncall'
param warnWhenNothingRuns = false
param rotationMode = 'live'
param rotationSchedule = '0 0 3 * * 1'
param recordToGraph = true
