// The secrets of the app. App settings only reference them, so the right to read settings does not reveal the values.
param name string
param location string
param tags object

@secure()
param clientsDatabaseUrl string

@secure()
@description('Empty: the secret that the vault holds, if any, stays as it is.')
param webhookSecret string

@description('Whether webhookSecret has a value that the vault shall hold from now on.')
param storesWebhookSecret bool

@secure()
@description('Empty: the secret that the vault holds, if any, stays as it is.')
param smtpPassword string

@description('Whether smtpPassword has a value that the vault shall hold from now on.')
param storesSmtpPassword bool

@description('Whether nobody, not even an owner, can purge the vault or a deleted secret before its retention ends.')
param purgeProtection bool
param workspaceId string

@description('Object id of the identity that may read the secrets.')
param principalId string

var keyVaultSecretsUser = '4633458b-17de-408a-b874-0445c86b69e6'

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 7
    enablePurgeProtection: purgeProtection ? true : null // the service refuses `false`
  }
}

// Who reads the secrets.
resource vaultLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: vault
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'AuditEvent'
        enabled: true
      }
    ]
  }
}

resource databaseUrl 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: 'clients-database-url'
  properties: {
    contentType: 'SQLAlchemy URL of the client database'
    value: clientsDatabaseUrl
  }
}

resource webhooks 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (storesWebhookSecret) {
  parent: vault
  name: 'webhook-secret'
  properties: {
    contentType: 'Master secrets of webhook signatures'
    value: webhookSecret
  }
}

resource mailPassword 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (storesSmtpPassword) {
  parent: vault
  name: 'smtp-password'
  properties: {
    contentType: 'Password of the login at the mail server'
    value: smtpPassword
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, principalId, keyVaultSecretsUser)
  scope: vault
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keyVaultSecretsUser)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

output name string = vault.name

// A URI that names the version of the secret changes with its value, so the app uses a new value at once instead of
// within a day. The URI without a version names the secret of an earlier deployment.
output clientsDatabaseUrlSecretUri string = databaseUrl.properties.secretUriWithVersion
output webhookSecretUri string = storesWebhookSecret
  ? webhooks!.properties.secretUriWithVersion
  : '${vault.properties.vaultUri}secrets/webhook-secret'
output smtpSecretUri string = storesSmtpPassword
  ? mailPassword!.properties.secretUriWithVersion
  : '${vault.properties.vaultUri}secrets/smtp-password'
