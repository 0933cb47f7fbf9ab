// The function app on its Flex Consumption plan, and its settings.
param name string
param planName string
param location string
param tags object
param pythonVersion string
param maximumInstanceCount int
param alwaysReadyDurable int
param zoneRedundant bool
param identityId string
param identityClientId string
param storageName string
param packageContainerUrl string
param applicationInsightsConnectionString string
param clientsDatabaseUrlSecretUri string
param keepHours int
param webhookSecretUri string
param tokenIssuer string
param tokenAudience string
param tokenRoles object
param tokenGroups object
param signInClientId string
param signInScopes string
param deletionsView string
param tenantNames object
param publicUrl string
param forwardedHosts string
param trustedProxies int
param maxWrongKeys int
param smtpHost string
param smtpPort int
param smtpTls string
param smtpUser string
param smtpSecretUri string
param smtpFrom string
param emailDomains string
param subnetId string
param extraSettings object

// A request that starts an export waits up to ten seconds for its end without using the processor. With the plan's
// default for Python, one request at a time, each waiting caller would occupy an instance. 16 is the plan's default for
// other languages at 2 GB.
var httpConcurrency = 16

var settings = {
  // The host and Durable Functions access storage by identity; the account does not accept keys.
  AzureWebJobsStorage__accountName: storageName
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  AzureWebJobsDisableHomepage: 'true'
  // Makes all threads of a worker share one heap of the C library, so that one thread can reuse memory that another
  // has freed (docs/decisions/0034-one-heap.md). Only a worker that starts with the settings reads this; the app asks the
  // C library for the same when it is imported.
  MALLOC_ARENA_MAX: '1'
  // Sync functions and orchestrators share one pool: 4 activities, 8 orchestrators and 16 requests leave threads free. The
  // default on one core is 5 threads, which a slow source would fill.
  PYTHON_THREADPOOL_THREAD_COUNT: '32'
  // The largest body of a request in bytes. The host refuses a larger one itself, before it holds it in memory and sends
  // it to the worker; its own limit is 100 MB or more. The app answers bodies of more than 64 KiB with a plain 413.
  FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: '1048576'
  // Lets the deployed packages win over those of the worker, up to Python 3.12; from 3.13 on they always do.
  PYTHON_ISOLATE_WORKER_DEPENDENCIES: '1'
  APPLICATIONINSIGHTS_CONNECTION_STRING: applicationInsightsConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD;ClientId=${identityClientId}'
  // Tells DefaultAzureCredential which identity to use.
  AZURE_CLIENT_ID: identityClientId
  EXPORT_STORAGE: storageName
  CLIENTS_DATABASE_URL: '@Microsoft.KeyVault(SecretUri=${clientsDatabaseUrlSecretUri})'
  EXPORT_DELETIONS_VIEW: deletionsView
  EXPORT_KEEP_HOURS: string(keepHours)
  EXPORT_WEBHOOK_SECRET: empty(webhookSecretUri) ? '' : '@Microsoft.KeyVault(SecretUri=${webhookSecretUri})'
  EXPORT_WEBHOOK_ALLOW_PRIVATE: 'false'
  // 'azure-monitor' also sends the spans and metrics of the worker (docs/decisions/0047-telemetry.md); extraSettings may say so.
  EXPORT_TELEMETRY: 'none'
  EXPORT_TOKEN_ISSUER: tokenIssuer
  EXPORT_TOKEN_AUDIENCE: tokenAudience
  EXPORT_TOKEN_ROLES: empty(tokenRoles) ? '' : string(tokenRoles)
  EXPORT_TOKEN_GROUPS: empty(tokenGroups) ? '' : string(tokenGroups)
  EXPORT_SIGN_IN_CLIENT_ID: signInClientId
  EXPORT_SIGN_IN_SCOPES: signInScopes
  EXPORT_TENANT_NAMES: empty(tenantNames) ? '' : string(tenantNames)
  EXPORT_PUBLIC_URL: publicUrl
  EXPORT_FORWARDED_HOSTS: forwardedHosts
  EXPORT_TRUSTED_PROXIES: string(trustedProxies)
  EXPORT_MAX_WRONG_KEYS: string(maxWrongKeys)
  EXPORT_SMTP_HOST: smtpHost
  EXPORT_SMTP_PORT: string(smtpPort)
  EXPORT_SMTP_TLS: smtpTls
  EXPORT_SMTP_USER: smtpUser
  EXPORT_SMTP_PASSWORD: empty(smtpSecretUri) ? '' : '@Microsoft.KeyVault(SecretUri=${smtpSecretUri})'
  EXPORT_SMTP_FROM: smtpFrom
  EXPORT_EMAIL_DOMAINS: emailDomains
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
    zoneRedundant: zoneRedundant
  }
}

// ftpsState and healthCheckPath are not set: the plan has neither FTP nor the platform's health check, and it rejects
// ftpsState.
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

// Deployments sign in with Microsoft Entra ID. User name and password of the publishing profile are refused.
resource ftpPublishing 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource scmPublishing 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
}

output name string = app.name
output uri string = 'https://${app.properties.defaultHostName}'
