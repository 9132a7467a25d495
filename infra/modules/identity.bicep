// The app's own identity: the only credential there is. User-assigned, so that it exists before the app and outlives a redeployment.

@description('Name of the user-assigned identity.')
param name string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags { *: string }

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: name
  location: location
  tags: tags
}

@description('Name of the identity.')
output name string = identity.name

@description('Object id of the identity: whom `keyturn grant` and graph-roles.bicep give the Graph roles.')
output principalId string = identity.properties.principalId
