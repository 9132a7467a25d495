// Who may do what: one table for the app, and one narrow right for those who ask for rotations.

@description('Name of the user-assigned identity.')
param identityName string

@description('Name of the storage account.')
param storageAccountName string

@description('Name of the Application Insights component.')
param applicationInsightsName string

@description('Object ids of users, groups or service principals that may ask for rotations on demand, and nothing else.')
param requestSenderPrincipalIds string[]

type grant = {
  @description('Built-in role, by its name in the portal.')
  role: string

  @description('Its id, the same in every tenant. Source: Azure built-in roles (read 2026-11-22).')
  id: string

  @description('What it is granted on.')
  on: 'storageAccount' | 'applicationInsights'

  @description('What the app does with it; shown beside the assignment in the portal.')
  why: string
}

var grants grant[] = [
  {
    role: 'Storage Blob Data Owner'
    id: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
    on: 'storageAccount'
    why: 'Keyturn: read its own deployment package, take the host lock, keep planning chunks and write reports.'
  }
  {
    role: 'Storage Queue Data Contributor'
    id: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
    on: 'storageAccount'
    why: 'Keyturn: take messages off its queues, send continuations and looks, and let the host move poisoned ones.'
  }
  {
    role: 'Storage Table Data Contributor'
    id: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
    on: 'storageAccount'
    why: 'Keyturn: keep the ledger of runs, rotations, claims, quarantine and budgets.'
  }
  {
    role: 'Monitoring Metrics Publisher'
    id: '3913510d-42f4-4e42-8a64-420c390055eb'
    on: 'applicationInsights'
    why: 'Keyturn: send log lines to Application Insights, which takes no key.'
  }
]

var sender = {
  id: 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a' // Storage Queue Data Message Sender
  why: 'Keyturn: ask for rotations on demand, by putting messages on this queue. It reads nothing.'
}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageAccountName

  resource queueService 'queueServices' existing = {
    name: 'default'

    resource requests 'queues' existing = { name: 'rotation-requests' }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

resource onStorageAccount 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for grant in filter(grants, grant => grant.on == 'storageAccount'): {
    scope: account
    name: guid(account.id, identity.id, grant.id)
    properties: {
      principalId: identity.properties.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', grant.id)
      description: grant.why
    }
  }
]

resource onApplicationInsights 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for grant in filter(grants, grant => grant.on == 'applicationInsights'): {
    scope: insights
    name: guid(insights.id, identity.id, grant.id)
    properties: {
      principalId: identity.properties.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', grant.id)
      description: grant.why
    }
  }
]

resource onRequestQueue 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for principalId in requestSenderPrincipalIds: {
    scope: account::queueService::requests
    name: guid(account::queueService::requests.id, principalId, sender.id)
    properties: {
      principalId: principalId
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', sender.id)
      description: sender.why
    }
  }
]
