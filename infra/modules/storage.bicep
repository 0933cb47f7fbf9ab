// One storage account for exported files, tables, the task hub of Durable Functions and the deployed package.
param name string
param location string
param tags object
param sku string
param deleteAfterDays int
param workspaceId string

@description('Whether the tables of keys and jobs get a lock, so that nobody deletes them, the account or the group by mistake.')
param lockTables bool

@description('Object id of the identity that gets the data roles.')
param principalId string

var fileContainer = 'exports'
var packageContainer = 'package'
var tableNames = ['apikeys', 'csvmappings', 'exportaudit', 'exportdeliveries', 'exportjobs', 'exportpages', 'exportrequests', 'exportschedules', 'exportwatch', 'scheduleruns']
var lockedTables = ['apikeys', 'exportjobs']

// Blob Data Owner: the Functions host takes leases and stores its keys in blobs, Durable Functions creates containers,
// and download links are signed with a user delegation key, which this role allows to request.
// Queue Data Contributor: the queues of the task hub.
// Table Data Contributor: the history of the task hub, the tables of jobs, and the API keys.
var roles = {
  storageBlobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  storageQueueDataContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  storageTableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
}

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: sku
  }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    publicNetworkAccess: 'Enabled' // callers open download links from their own networks
    supportsHttpsTrafficOnly: true
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' = {
  parent: account
  name: 'default'
  properties: {
    // Off on purpose: a deleted export is personal data that must be gone, and it can be exported again at any time.
    deleteRetentionPolicy: {
      enabled: false
    }
    containerDeleteRetentionPolicy: {
      enabled: false
    }
    isVersioningEnabled: false
  }
}

resource files 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' = {
  parent: blobs
  name: fileContainer
  properties: {
    publicAccess: 'None'
  }
}

resource package 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' = {
  parent: blobs
  name: packageContainer
  properties: {
    publicAccess: 'None'
  }
}

// Who reads files, also through links, and what deletes them. Writes are not logged: each page is one, and the app logs
// pages itself. The logs of tables and queues would mostly show how Durable Functions polls.
resource blobLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'reads-and-deletions'
  scope: blobs
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'StorageRead'
        enabled: true
      }
      {
        category: 'StorageDelete'
        enabled: true
      }
    ]
  }
}

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2023-05-01' = {
  parent: account
  name: 'default'
}

resource tables 'Microsoft.Storage/storageAccounts/tableServices/tables@2023-05-01' = [
  for tableName in tableNames: {
    parent: tableService
    name: tableName
  }
]

// No other table is worth a lock: keys cannot be made again, and the jobs say which files belong to whom. The lock does not
// hinder the app, which changes rows, not tables.
resource locks 'Microsoft.Authorization/locks@2020-05-01' = [
  for (tableName, index) in tableNames: if (lockTables && contains(lockedTables, tableName)) {
    name: 'keep-${tableName}'
    scope: tables[index]
    properties: {
      level: 'CanNotDelete'
      notes: 'API keys and jobs cannot be made again. Remove this lock before you delete the deployment.'
    }
  }
]

// A safeguard in case the retention of the app misses a blob: storage deletes it after some days. The number of days is
// more than seven, the lifetime of staged blocks, so that a failed or cancelled job can still be resumed.
resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2023-05-01' = {
  parent: account
  name: 'default'
  dependsOn: [
    blobs
  ]
  properties: {
    policy: {
      rules: [
        {
          name: 'delete-old-exports'
          type: 'Lifecycle'
          enabled: true
          definition: {
            filters: {
              blobTypes: ['blockBlob']
              prefixMatch: ['${fileContainer}/']
            }
            actions: {
              baseBlob: {
                delete: {
                  daysAfterModificationGreaterThan: deleteAfterDays
                }
              }
            }
          }
        }
      ]
    }
  }
}

resource assignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in items(roles): {
    name: guid(account.id, principalId, role.value)
    scope: account
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.value)
      principalId: principalId
      principalType: 'ServicePrincipal'
    }
  }
]

output id string = account.id
output name string = account.name
output packageContainerUrl string = '${account.properties.primaryEndpoints.blob}${packageContainer}'
