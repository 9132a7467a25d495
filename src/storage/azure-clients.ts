/** SDK clients of one storage account, with bounded retries and our transport. Layer: storage adapter. */
import type { TokenCredential } from '@azure/core-auth';
import {
  AzureNamedKeyCredential,
  AzureSASCredential,
  TableClient,
  type TableServiceClientOptions,
} from '@azure/data-tables';
import { BlobServiceClient, newPipeline as newBlobPipeline } from '@azure/storage-blob';
import {
  AnonymousCredential,
  newPipeline as newQueuePipeline,
  QueueServiceClient,
  StorageSharedKeyCredential,
} from '@azure/storage-queue';
import { createHttpClient } from '../outbound/http-client.ts';
import { lazyCredential } from '../outbound/lazy-credential.ts';
import type { StorageAuthority, StorageConnection } from './connection.ts';
import { MAX_RETRIES, MAX_RETRY_DELAY_MS, RETRY_DELAY_MS, type Transport } from './transport.ts';

/** Clients of one account. */
export interface AzureClients {
  table(name: string): TableClient;
  readonly queues: QueueServiceClient;
  readonly blobs: BlobServiceClient;
}

type IdentityAuthority = Extract<StorageAuthority, { readonly kind: 'identity' }>;

/** The identity the settings name: the managed identity alone when they say so, else whatever this machine is signed in as. */
function credentialOf({ managedIdentity, clientId, resourceId }: IdentityAuthority): TokenCredential {
  return lazyCredential(({ DefaultAzureCredential, ManagedIdentityCredential }, transport) => {
    if (managedIdentity) {
      return resourceId === undefined
        ? new ManagedIdentityCredential(clientId === undefined ? transport : { ...transport, clientId })
        : new ManagedIdentityCredential({ ...transport, resourceId });
    }
    return resourceId === undefined
      ? new DefaultAzureCredential(
          clientId === undefined ? transport : { ...transport, managedIdentityClientId: clientId },
        )
      : new DefaultAzureCredential({ ...transport, managedIdentityResourceId: resourceId });
  });
}

/** `credential` replaces the one the connection's identity settings name; keys and SAS do without. */
export function createAzureClients(
  { endpoints, authority }: StorageConnection,
  transport: Transport,
  credential?: TokenCredential,
): AzureClients {
  const httpClient = createHttpClient();
  const token = authority.kind === 'identity' ? (credential ?? credentialOf(authority)) : undefined;
  const userAgentOptions = { userAgentPrefix: 'keyturn' };

  function table(name: string): TableClient {
    const options: TableServiceClientOptions = {
      httpClient,
      userAgentOptions,
      allowInsecureConnection: endpoints.table.startsWith('http:'),
      retryOptions: { maxRetries: MAX_RETRIES, retryDelayInMs: RETRY_DELAY_MS, maxRetryDelayInMs: MAX_RETRY_DELAY_MS },
      additionalPolicies: [{ policy: transport.tables, position: 'perRetry' }],
    };
    if (authority.kind === 'sharedKey') {
      const key = new AzureNamedKeyCredential(authority.accountName, authority.accountKey());
      return new TableClient(endpoints.table, name, key, options);
    }
    if (authority.kind === 'sas') {
      return new TableClient(endpoints.table, name, new AzureSASCredential(authority.signature()), options);
    }
    return new TableClient(endpoints.table, name, token as TokenCredential, options);
  }

  const pipelineOptions = {
    userAgentOptions,
    retryOptions: {
      maxTries: MAX_RETRIES + 1,
      retryDelayInMs: RETRY_DELAY_MS,
      maxRetryDelayInMs: MAX_RETRY_DELAY_MS,
    },
  };
  const signer =
    authority.kind === 'sharedKey'
      ? new StorageSharedKeyCredential(authority.accountName, authority.accountKey())
      : (token ?? new AnonymousCredential());
  const query = authority.kind === 'sas' ? `?${authority.signature()}` : '';

  const queuePipeline = newQueuePipeline(signer, pipelineOptions);
  queuePipeline.factories.push(transport.queues);
  const blobPipeline = newBlobPipeline(signer, pipelineOptions);
  blobPipeline.factories.push(transport.blobs);

  return {
    table,
    queues: new QueueServiceClient(endpoints.queue + query, queuePipeline),
    blobs: new BlobServiceClient(endpoints.blob + query, blobPipeline),
  };
}
