// Optional: a virtual network in which the app reaches its storage through private endpoints.

@description('Name of the virtual network.')
param name string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags { *: string }

@description('Address range of the virtual network; at least a /26.')
param addressPrefix string

@description('Name of the subnet the app joins.')
param appSubnetName string

@description('Name of the storage account.')
param storageAccountName string

// The services the app uses. No `file`: the app mounts no share.
var services = ['blob', 'queue', 'table']

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageAccountName
}

resource network 'Microsoft.Network/virtualNetworks@2025-01-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [addressPrefix] }
    subnets: [
      {
        name: appSubnetName
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 27, 0)
          // Flex Consumption's own delegation. Source: Azure Functions networking options, "Subnets" (read 2026-11-22).
          delegations: [{ name: 'flex-consumption', properties: { serviceName: 'Microsoft.App/environments' } }]
          // The app must reach Microsoft Graph. Where a firewall or NAT gateway is the way out, attach it here and set this to false.
          defaultOutboundAccess: true
        }
      }
      {
        name: 'storage'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 27, 1)
          defaultOutboundAccess: false
        }
      }
    ]
  }

  resource storage 'subnets' existing = { name: 'storage' }
}

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for service in services: {
    name: 'privatelink.${service}.${environment().suffixes.storage}'
    location: 'global'
    tags: tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (service, i) in services: {
    parent: zones[i]
    name: name
    location: 'global'
    tags: tags
    properties: { registrationEnabled: false, virtualNetwork: { id: network.id } }
  }
]

resource endpoints 'Microsoft.Network/privateEndpoints@2025-01-01' = [
  for service in services: {
    name: '${storageAccountName}-${service}'
    location: location
    tags: tags
    properties: {
      subnet: { id: network::storage.id }
      privateLinkServiceConnections: [
        { name: service, properties: { privateLinkServiceId: account.id, groupIds: [service] } }
      ]
    }
  }
]

resource zoneGroups 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-01-01' = [
  for (service, i) in services: {
    parent: endpoints[i]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [{ name: service, properties: { privateDnsZoneId: zones[i].id } }]
    }
  }
]
