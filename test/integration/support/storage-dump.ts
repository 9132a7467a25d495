/** Everything an Azurite holds, as one text: tables, queues and blobs. */
import { TableClient, TableServiceClient } from '@azure/data-tables';
import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';

export async function dumpStorage(connectionString: string): Promise<string> {
  const found: string[] = [];
  const insecure = { allowInsecureConnection: true };
  for await (const { name = '' } of TableServiceClient.fromConnectionString(connectionString, insecure).listTables()) {
    const table = TableClient.fromConnectionString(connectionString, name, insecure);
    for await (const entity of table.listEntities()) found.push(`${name}: ${JSON.stringify(entity)}`);
  }
  const queues = QueueServiceClient.fromConnectionString(connectionString);
  for await (const { name } of queues.listQueues()) {
    const { peekedMessageItems } = await queues.getQueueClient(name).peekMessages({ numberOfMessages: 32 });
    for (const { messageText } of peekedMessageItems) {
      found.push(`${name}: ${messageText} ${Buffer.from(messageText, 'base64').toString()}`);
    }
  }
  const blobs = BlobServiceClient.fromConnectionString(connectionString);
  for await (const { name: container } of blobs.listContainers()) {
    const client = blobs.getContainerClient(container);
    for await (const { name } of client.listBlobsFlat()) {
      found.push(`${container}/${name}: ${(await client.getBlobClient(name).downloadToBuffer()).toString('latin1')}`);
    }
  }
  return found.join('\n');
}
