// Deploys all resources of client-export into one resource group. docs/deploy.md explains each parameter.
targetScope = 'subscription'

@minLength(1)
@maxLength(64)
@description('Name of the deployment. It is part of the resource group name and the value of the azd environment tag.')
param environmentName string

@minLength(1)
@description('Region of all resources. It must offer the Flex Consumption plan.')
@metadata({ azd: { type: 'location' } })
param location string

@description('Python version of the function app.')
@allowed(['3.11', '3.12', '3.13'])
param pythonVersion string = '3.13'

@description('Maximum number of instances of the app. The plan accepts 40 to 1000.')
@minValue(40)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Instances that are kept running for orchestrations and activities; 0 scales to zero.')
@minValue(0)
@maxValue(10)
param alwaysReadyDurable int = 1

@description('Whether instances and storage are spread over the zones of the region.')
param zoneRedundant bool = false

@secure()
@minLength(1)
@description('SQLAlchemy URL of the database with the clients view, or an azure-tables: URL.')
param clientsDatabaseUrl string

@description('Name of the view of deleted clients in the same database. If empty, there is none.')
param deletionsView string = ''

@description('Hours for which a finished file can be downloaded. Keep it below deleteAfterDays.')
@minValue(1)
@maxValue(160)
param keepHours int = 24

@description('Days after which storage deletes blobs that the retention of the app has not deleted.')
@minValue(8)
@maxValue(365)
param deleteAfterDays int = 14

@secure()
@description('Master secret of webhook signatures, 32 characters or more. Empty: the secret in the Key Vault stays as it is.')
param webhookSecret string = ''

@description('Whether the Key Vault holds a webhook secret of an earlier deployment. If false and webhookSecret is empty, webhooks are off.')
param webhooks bool = false

@description('Issuer of access tokens, exactly as in their claim iss. Empty: only API keys are accepted.')
param tokenIssuer string = ''

@description('Audience for which an access token must be meant. Several are separated by spaces.')
param tokenAudience string = ''

@description('What each value of the claim roles grants: name to scopes and tenants.')
param tokenRoles object = {}

@description('What each value of the claim groups grants: name to scopes and tenants.')
param tokenGroups object = {}

@description('Public client as which the page signs people in at the issuer. Empty: people sign in with API keys.')
param signInClientId string = ''

@description('What the page asks the issuer for. Several are separated by spaces.')
param signInScopes string = 'openid'

@description('Names of tenants for people: tenant to name.')
param tenantNames object = {}

@description('Address at which callers reach the service. Empty: the one that they have called.')
param publicUrl string = ''

@description('Hosts that X-Forwarded-Host may name, separated by spaces. Empty: the header is ignored.')
param forwardedHosts string = ''

@description('How many proxies append an address to X-Forwarded-For. The front end of Azure is one.')
@minValue(0)
@maxValue(20)
param trustedProxies int = 1

@description('Wrong keys and tokens that one address may send in a minute to one process.')
@minValue(1)
@maxValue(1000000)
param maxWrongKeys int = 30

@description('Mail server that sends e-mail at the end of exports. Empty: requests for e-mail are refused.')
param smtpHost string = ''

@description('Port of the mail server. Azure blocks outbound port 25.')
@minValue(1)
@maxValue(65535)
param smtpPort int = 587

@description('How the connection to the mail server is protected: by STARTTLS, or by TLS from the first byte on.')
@allowed(['starttls', 'tls'])
param smtpTls string = 'starttls'

@description('User of the login at the mail server. Empty: there is no login.')
param smtpUser string = ''

@secure()
@description('Password of the login at the mail server. Empty: the one in the Key Vault stays as it is.')
param smtpPassword string = ''

@description('Address from which the e-mails come. Required with smtpHost.')
param smtpFrom string = ''

@description('Domains to which e-mails may go, separated by spaces; * allows all. Required with smtpHost.')
param emailDomains string = ''

@description('Resource id of a subnet that is delegated to Microsoft.App/environments. Empty: no virtual network.')
param subnetId string = ''

@description('Replication of the storage account.')
@allowed(['Standard_LRS', 'Standard_ZRS'])
param storageSku string = 'Standard_LRS'

@description('Whether the tables of keys and jobs get a lock against deletion.')
param lockTables bool = true

@description('Whether nobody can purge the Key Vault before its retention ends. It cannot be turned off again.')
param purgeProtection bool = true

@description('Days for which logs and traces are kept.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

@description('Gigabytes of logs a day, after which the workspace takes no more until the next day.')
@minValue(1)
@maxValue(1000)
param dailyCapGb int = 5

@description('E-mail addresses that get the alerts, separated by commas. Empty: nobody gets e-mail.')
param alertEmails string = ''

@secure()
@description('Address that gets the alerts as JSON (common alert schema). Empty: none.')
param alertWebhookUrl string = ''

@description('Whether Azure asks for /health from outside every minute. Choose false if the Internet cannot reach the service.')
param availabilityTest bool = true

@description('Additional app settings, name to value. They override the settings of this template.')
param extraSettings object = {}

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName }
var webhooksAreOn = webhooks || !empty(webhookSecret)
var appName = 'func-${token}'

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: 'id-${token}'
    location: location
    tags: tags
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    name: 'st${token}'
    location: location
    tags: tags
    sku: zoneRedundant ? 'Standard_ZRS' : storageSku
    lockTables: lockTables
    workspaceId: monitoring.outputs.workspaceId
    deleteAfterDays: deleteAfterDays
    principalId: identity.outputs.principalId
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    retentionDays: logRetentionDays
    dailyCapGb: dailyCapGb
    principalId: identity.outputs.principalId
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  scope: group
  params: {
    name: 'kv-${token}'
    location: location
    tags: tags
    clientsDatabaseUrl: clientsDatabaseUrl
    webhookSecret: webhookSecret
    storesWebhookSecret: !empty(webhookSecret)
    smtpPassword: smtpPassword
    storesSmtpPassword: !empty(smtpPassword)
    purgeProtection: purgeProtection
    workspaceId: monitoring.outputs.workspaceId
    principalId: identity.outputs.principalId
  }
}

var address = empty(publicUrl) ? app.outputs.uri : publicUrl

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    storageId: storage.outputs.id
    insightsId: monitoring.outputs.insightsId
    healthUrl: availabilityTest ? '${address}${endsWith(address, '/') ? '' : '/'}health' : ''
    emails: alertEmails
    webhookUrl: alertWebhookUrl
    dailyCapGb: dailyCapGb
  }
}

module workbook 'modules/workbook.bicep' = {
  name: 'workbook'
  scope: group
  params: {
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
  }
}

// The app is created after the modules that grant the roles which it needs when it first starts.
module app 'modules/app.bicep' = {
  name: 'app'
  scope: group
  params: {
    name: appName
    planName: 'plan-${token}'
    location: location
    tags: tags
    pythonVersion: pythonVersion
    maximumInstanceCount: maximumInstanceCount
    alwaysReadyDurable: alwaysReadyDurable
    zoneRedundant: zoneRedundant
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    storageName: storage.outputs.name
    packageContainerUrl: storage.outputs.packageContainerUrl
    applicationInsightsConnectionString: monitoring.outputs.connectionString
    clientsDatabaseUrlSecretUri: vault.outputs.clientsDatabaseUrlSecretUri
    keepHours: keepHours
    webhookSecretUri: webhooksAreOn ? vault.outputs.webhookSecretUri : ''
    tokenIssuer: tokenIssuer
    tokenAudience: tokenAudience
    tokenRoles: tokenRoles
    tokenGroups: tokenGroups
    signInClientId: signInClientId
    signInScopes: signInScopes
    deletionsView: deletionsView
    tenantNames: tenantNames
    publicUrl: publicUrl
    forwardedHosts: forwardedHosts
    trustedProxies: trustedProxies
    maxWrongKeys: maxWrongKeys
    smtpHost: smtpHost
    smtpPort: smtpPort
    smtpTls: smtpTls
    smtpUser: smtpUser
    smtpSecretUri: empty(smtpHost) || empty(smtpUser) ? '' : vault.outputs.smtpSecretUri
    smtpFrom: smtpFrom
    emailDomains: emailDomains
    subnetId: subnetId
    extraSettings: extraSettings
  }
}

output AZURE_LOCATION string = location
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_STORAGE_ACCOUNT string = storage.outputs.name
// azd keeps this in the environment, so a later provision without the secret leaves the webhooks on.
output WEBHOOKS_ENABLED string = webhooksAreOn ? 'true' : 'false'
output AZURE_IDENTITY_NAME string = 'id-${token}'
output AZURE_IDENTITY_CLIENT_ID string = identity.outputs.clientId
output AZURE_KEY_VAULT_NAME string = vault.outputs.name
output SERVICE_API_NAME string = app.outputs.name
output SERVICE_API_URI string = app.outputs.uri
