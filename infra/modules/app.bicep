// The function app on its Flex Consumption plan, and its settings.
param name string
param planName string
param location string
param tags object
param pythonVersion string
param maximumInstanceCount int
param alwaysReadyDurable int
param identityId string
param identityClientId string
param storageName string
param packageContainerUrl string
param applicationInsightsConnectionString string
param clientsDatabaseUrlSecretUri string
param keepHours int
param webhookSecretUri string
param subnetId string
param extraSettings object

// A start waits up to ten seconds for its export without using the processor. The plan's default for Python, one
// request at a time, would keep an instance for each caller who waits; 16 is what it gives other languages at 2 GB.
var httpConcurrency = 16

var settings = {
  // The host and Durable Functions reach storage by identity; the account has no usable keys.
  AzureWebJobsStorage__accountName: storageName
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  AzureWebJobsDisableHomepage: 'true'
  // Of the C library: one heap for all threads of a worker, so that what one has freed another uses.
  MALLOC_ARENA_MAX: '1'
  APPLICATIONINSIGHTS_CONNECTION_STRING: applicationInsightsConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD;ClientId=${identityClientId}'
  // Tells DefaultAzureCredential which identity to take.
  AZURE_CLIENT_ID: identityClientId
  EXPORT_STORAGE: storageName
  CLIENTS_DATABASE_URL: '@Microsoft.KeyVault(SecretUri=${clientsDatabaseUrlSecretUri})'
  EXPORT_KEEP_HOURS: string(keepHours)
  EXPORT_WEBHOOK_SECRET: empty(webhookSecretUri) ? '' : '@Microsoft.KeyVault(SecretUri=${webhookSecretUri})'
  EXPORT_WEBHOOK_ALLOW_PRIVATE: 'false'
}

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

// No ftpsState and no healthCheckPath: this plan has neither FTP nor the platform's health check, and it rejects the
// first of them.
resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'api' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageContainerUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: pythonVersion
      }
      scaleAndConcurrency: {
        instanceMemoryMB: 2048
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: alwaysReadyDurable == 0 ? [] : [
          {
            name: 'durable'
            instanceCount: alwaysReadyDurable
          }
        ]
        triggers: {
          http: {
            perInstanceConcurrency: httpConcurrency
          }
        }
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      appSettings: [
        for setting in items(union(settings, extraSettings)): {
          name: setting.key
          value: string(setting.value)
        }
      ]
    }
  }
}

output name string = app.name
output uri string = 'https://${app.properties.defaultHostName}'
