// The ledger, the queues, the blobs, and the deployment package: one account that takes no keys.
// Names are the contract of src/storage/names.ts; a test compares them.

@description('Name of the storage account.')
@minLength(3)
@maxLength(24)
param name string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags { *: string }

@description('Redundancy. Only synchronous kinds: after a failover to an older copy of the ledger, devices could be asked twice.')
@allowed(['Standard_LRS', 'Standard_ZRS'])
param sku string

@description('True: reached through private endpoints alone.')
param privateNetwork bool

@description('Days after which reports are deleted.')
param reportRetentionDays int

@description('Days during which a report cannot be changed or deleted; 0 for no such policy.')
param reportImmutabilityDays int

@description('Name of the container with the deployment package.')
param deploymentContainerName string

var tableNames = ['Runs', 'Rotations', 'Devices', 'Quarantine', 'Budgets']
var queueNames = ['rotation-requests', 'rotation-runs', 'encryption-states']
var containerNames = ['reports', 'work']

// Planning chunks of a run that never finished. A run is looked at for 11 days by default, and a look may be 7 days away at most.
var workRetentionDays = 90

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: sku }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: privateNetwork ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'None'
      defaultAction: privateNetwork ? 'Deny' : 'Allow'
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' = {
  parent: account
  name: 'default'
  properties: {
    containerDeleteRetentionPolicy: { enabled: true, days: 7 }
  }
}

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = [
  for container in [...containerNames, deploymentContainerName]: {
    parent: blobs
    name: container
    properties: { publicAccess: 'None' }
  }
]

// Unlocked: it can still be shortened or removed. Locking it is for good, and is therefore left to people.
resource immutability 'Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies@2025-06-01' = if (reportImmutabilityDays > 0) {
  parent: containers[0]
  name: 'default'
  properties: {
    allowProtectedAppendWrites: false
    immutabilityPeriodSinceCreationInDays: reportImmutabilityDays
  }
}

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2025-06-01' = {
  parent: account
  name: 'default'
  dependsOn: [blobs]
  properties: {
    policy: {
      rules: [
        for rule in [
          // Deleting what is still immutable would fail every day.
          { name: 'reports', days: max(reportRetentionDays, reportImmutabilityDays + 1) }
          { name: 'work', days: workRetentionDays }
        ]: {
          name: 'delete-old-${rule.name}'
          type: 'Lifecycle'
          definition: {
            filters: { blobTypes: ['blockBlob'], prefixMatch: ['${rule.name}/'] }
            actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: rule.days } } }
          }
        }
      ]
    }
  }
}

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2025-06-01' = {
  parent: account
  name: 'default'
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' = [
  for queue in flatten(map(queueNames, queue => [queue, '${queue}-poison'])): {
    parent: queueService
    name: queue
  }
]

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2025-06-01' = {
  parent: account
  name: 'default'
}

resource tables 'Microsoft.Storage/storageAccounts/tableServices/tables@2025-06-01' = [
  for table in tableNames: {
    parent: tableService
    name: table
  }
]

@description('Name of the storage account.')
output name string = account.name
