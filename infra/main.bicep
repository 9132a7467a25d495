// Keyturn in one resource group: identity, storage, monitoring, app, access, alerts. No secret is made or read; one may be passed on: NOTIFY_WEBHOOK.
// The Graph roles are not here: they need a directory role. See graph-roles.bicep, or `keyturn grant`.
targetScope = 'resourceGroup'

// ------------------------------------------------------------------------------------------------ where and how large

@description('First part of every name. Letters, digits and hyphens.')
@minLength(3)
@maxLength(32)
param name string = 'keyturn'

@description('Azure region. It must offer Flex Consumption: `az functionapp list-flexconsumption-locations`.')
param location string = resourceGroup().location

@description('Tags of every resource.')
param tags { *: string } = {}

@description('Node.js version the app runs on.')
@allowed(['22', '24'])
param nodeVersion string = '24'

@description('Most instances at once. A run keeps one busy; the rest are for looks that fall due together. Some regions refuse less than 40.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Memory of an instance, in MB. 512 is enough for a million devices: the pace is the quota\'s, not the machine\'s.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 512

@description('Redundancy of the storage account. Only synchronous kinds: after a failover to an older copy of the ledger, devices could be asked twice.')
@allowed(['Standard_LRS', 'Standard_ZRS'])
param storageSku string = 'Standard_LRS'

@description('Days after which reports are deleted.')
@minValue(1)
@maxValue(36500)
param reportRetentionDays int = 730

@description('Days during which nobody can change or delete a report, not even an owner; 0 for no such policy. The policy stays unlocked: lock it when you are sure.')
@minValue(0)
@maxValue(36499)
param reportImmutabilityDays int = 0

@description('Days the log lines are kept.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 90

@description('True: storage is reached through private endpoints in a virtual network alone. The command line then works only from inside that network.')
param privateNetwork bool = false

@description('Address range of the virtual network; at least a /26. Only with `privateNetwork`.')
param networkAddressPrefix string = '10.60.0.0/24'

// ------------------------------------------------------------------------------------------------ people

@description('Object ids of users, groups or service principals that may put rotation requests on the queue, and do nothing else.')
param requestSenderPrincipalIds string[] = []

@description('Resource id of the action group that alerts notify; empty: alerts show in the portal only.')
param actionGroupId string = ''

@description('Warn when no scheduled run happened for two days. Turn it off for a schedule that fires less often.')
param warnWhenNothingRuns bool = true

@description('Warn of rotations that are without proof for more than this many days. Longer than all delays of `confirmSchedule` together.')
@minValue(1)
@maxValue(60)
param unprovenAfterDays int = 14

@description('Warn when Graph throttled more than this share of its answers, in per cent.')
@minValue(0)
@maxValue(100)
param throttledSharePercent int = 5

// ------------------------------------------------------------------------------------------------ settings of Keyturn
// One each, with the same default, as in src/config-table.ts; a test compares them.

@description('TENANT_ID: Entra tenant id.')
param tenantId string = tenant().tenantId

@description('GRAPH_CLOUD: where the tenant lives.')
@allowed(['global', 'usgov', 'usgovdod', 'china'])
param graphCloud string = 'global'

@description('GRAPH_ENDPOINT: overrides the cloud\'s Graph root; empty for the cloud\'s.')
param graphEndpoint string = ''

@description('ROTATION_SCHEDULE: NCRONTAB, six fields, UTC.')
@minLength(11)
param rotationSchedule string = '0 0 2 * * *'

@description('ROTATION_MODE: `dryRun` sends nothing; `live` rotates; `off` stops everything, also a run in progress.')
@allowed(['dryRun', 'live', 'off'])
param rotationMode string = 'dryRun'

@description('ROTATION_MAX_KEY_AGE: a key older than this is due. ISO 8601.')
param rotationMaxKeyAge string = 'P90D'

@description('ROTATION_MIN_KEY_AGE: no younger key is rotated on schedule, nor a device asked twice within it. ISO 8601.')
param rotationMinKeyAge string = 'P7D'

@description('ROTATION_SEEN_WITHIN: devices not seen since are skipped. ISO 8601.')
param rotationSeenWithin string = 'P14D'

@description('ROTATION_MAX_DEVICES: devices per run.')
@minValue(1)
@maxValue(9999999)
param rotationMaxDevices int = 10000

@description('ROTATION_EXCLUDE: comma-separated managed device ids or name globs.')
param rotationExclude string = ''

@description('ROTATION_CANARY_DEVICES: rotate these first and wait for proof; 0 turns it off.')
@minValue(0)
@maxValue(9999999)
param rotationCanaryDevices int = 20

@description('ROTATION_CANARY_MIN_PROVEN: share of canaries that must be proven, 0 to 1.')
param rotationCanaryMinProven string = '0.8'

@description('ROTATION_CANARY_WAIT: then decide. ISO 8601.')
param rotationCanaryWait string = 'P1D'

@description('ROTATION_ABORT_FAILURE_RATE: circuit breaker over the last 100 outcomes, above 0 and up to 1.')
param rotationAbortFailureRate string = '0.2'

@description('ROTATION_TIME_BUDGET: work per invocation before handing over. ISO 8601, at most PT9M30S.')
param rotationTimeBudget string = 'PT8M'

@description('CONFIRM_SCHEDULE: delays between looks. ISO 8601, comma-separated.')
param confirmSchedule string = 'PT30M,PT2H,PT8H,P1D,P3D,P6D'

@description('GRAPH_WRITE_BUDGET: writes on managed devices, limit/window.')
param graphWriteBudget string = '200/PT20S'

@description('GRAPH_ANY_BUDGET: all requests on managed devices, limit/window.')
param graphAnyBudget string = '2000/PT20S'

@description('GRAPH_KEY_BUDGET: requests on recovery keys, limit/window.')
param graphKeyBudget string = '200/PT20S'

@description('GRAPH_STATE_WRITE_BUDGET: writes on encryption states, limit/window.')
param graphStateWriteBudget string = '100/PT20S'

@description('GRAPH_STATE_ANY_BUDGET: all requests on encryption states, limit/window.')
param graphStateAnyBudget string = '1000/PT20S'

@description('GRAPH_CONCURRENCY: requests in flight.')
@minValue(1)
@maxValue(1000)
param graphConcurrency int = 32

@description('RECORD_TO_GRAPH: also create a managedDeviceEncryptionState per recorded state. Needs the feature `recordToGraph` in graph-roles.bicep.')
param recordToGraph bool = false

@description('NOTIFY_WEBHOOK: https address that is told when a run ends, is aborted or finds a dangerous device; empty for none. Whoever has it can post.')
@secure()
param notifyWebhook string = ''

@description('NOTIFY_FORMAT: plain JSON, or an Adaptive Card for Teams workflows.')
@allowed(['json', 'teams'])
param notifyFormat string = 'json'

@description('LOG_LEVEL: lines below it are not written. Alerts and the workbook need `info`.')
@allowed(['debug', 'info', 'warn', 'error'])
param logLevel string = 'info'

// ------------------------------------------------------------------------------------------------ names

// The same for ever in one resource group, and different from everybody else's where names are global.
var suffix = uniqueString(resourceGroup().id)
var names = {
  identity: '${name}-id'
  storageAccount: '${take(toLower(replace(name, '-', '')), 11)}${suffix}'
  workspace: '${name}-logs'
  applicationInsights: '${name}-insights'
  network: '${name}-net'
  plan: '${name}-plan'
  app: '${name}-${suffix}'
}
var deploymentContainerName = 'deployment'
var appSubnetName = 'app'

// ------------------------------------------------------------------------------------------------ resources

module identity 'modules/identity.bicep' = {
  params: { name: names.identity, location: location, tags: tags }
}

module storage 'modules/storage.bicep' = {
  params: {
    name: names.storageAccount
    location: location
    tags: tags
    sku: storageSku
    privateNetwork: privateNetwork
    reportRetentionDays: reportRetentionDays
    reportImmutabilityDays: reportImmutabilityDays
    deploymentContainerName: deploymentContainerName
  }
}

module monitoring 'modules/monitoring.bicep' = {
  params: {
    workspaceName: names.workspace
    applicationInsightsName: names.applicationInsights
    location: location
    tags: tags
    retentionDays: logRetentionDays
  }
}

module network 'modules/network.bicep' = if (privateNetwork) {
  params: {
    name: names.network
    location: location
    tags: tags
    addressPrefix: networkAddressPrefix
    appSubnetName: appSubnetName
    storageAccountName: names.storageAccount
  }
  dependsOn: [storage]
}

module access 'modules/access.bicep' = {
  params: {
    identityName: names.identity
    storageAccountName: names.storageAccount
    applicationInsightsName: names.applicationInsights
    requestSenderPrincipalIds: requestSenderPrincipalIds
  }
  dependsOn: [identity, storage, monitoring]
}

module functionApp 'modules/function-app.bicep' = {
  params: {
    name: names.app
    planName: names.plan
    location: location
    tags: tags
    nodeVersion: nodeVersion
    maximumInstanceCount: maximumInstanceCount
    instanceMemoryMB: instanceMemoryMB
    identityName: names.identity
    storageAccountName: names.storageAccount
    deploymentContainerName: deploymentContainerName
    applicationInsightsName: names.applicationInsights
    subnetId: privateNetwork
      ? resourceId('Microsoft.Network/virtualNetworks/subnets', names.network, appSubnetName)
      : ''
    settings: {
      TENANT_ID: tenantId
      GRAPH_CLOUD: graphCloud
      GRAPH_ENDPOINT: graphEndpoint
      ROTATION_SCHEDULE: rotationSchedule
      ROTATION_MODE: rotationMode
      ROTATION_MAX_KEY_AGE: rotationMaxKeyAge
      ROTATION_MIN_KEY_AGE: rotationMinKeyAge
      ROTATION_SEEN_WITHIN: rotationSeenWithin
      ROTATION_MAX_DEVICES: string(rotationMaxDevices)
      ROTATION_EXCLUDE: rotationExclude
      ROTATION_CANARY_DEVICES: string(rotationCanaryDevices)
      ROTATION_CANARY_MIN_PROVEN: rotationCanaryMinProven
      ROTATION_CANARY_WAIT: rotationCanaryWait
      ROTATION_ABORT_FAILURE_RATE: rotationAbortFailureRate
      ROTATION_TIME_BUDGET: rotationTimeBudget
      CONFIRM_SCHEDULE: confirmSchedule
      GRAPH_WRITE_BUDGET: graphWriteBudget
      GRAPH_ANY_BUDGET: graphAnyBudget
      GRAPH_KEY_BUDGET: graphKeyBudget
      GRAPH_STATE_WRITE_BUDGET: graphStateWriteBudget
      GRAPH_STATE_ANY_BUDGET: graphStateAnyBudget
      GRAPH_CONCURRENCY: string(graphConcurrency)
      RECORD_TO_GRAPH: recordToGraph ? 'true' : 'false'
      NOTIFY_FORMAT: notifyFormat
      LOG_LEVEL: logLevel
    }
    // Apart from the others, so that it stays out of the history of deployments.
    notifyWebhook: notifyWebhook
  }
  // The app starts with every right it needs: a host that may not reach its storage stays broken until it is restarted.
  dependsOn: [access, network]
}

module alerts 'modules/alerts.bicep' = {
  params: {
    name: name
    location: location
    tags: tags
    workspaceName: names.workspace
    actionGroupId: actionGroupId
    warnWhenNothingRuns: warnWhenNothingRuns
    unprovenAfterDays: unprovenAfterDays
    throttledSharePercent: throttledSharePercent
  }
  dependsOn: [monitoring]
}

module workbook 'modules/workbook.bicep' = {
  params: { location: location, tags: tags, workspaceName: names.workspace }
  dependsOn: [monitoring]
}

@description('Name of the function app, for `az functionapp deployment source config-zip`.')
output functionAppName string = functionApp.outputs.name

@description('Name of the storage account, for the command line: AzureWebJobsStorage__accountName.')
output storageAccountName string = storage.outputs.name

@description('Object id of the app\'s identity: the `--principal` of `keyturn grant`, and a parameter of graph-roles.bicep.')
output principalId string = identity.outputs.principalId
