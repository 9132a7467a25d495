/** The one error of the storage boundary. Layer: domain. */

/** `unreachable`: no answer. `forbidden`: the identity lacks a role. `other`: what the message says. */
export type StorageErrorKind = 'unreachable' | 'forbidden' | 'other';

/** A fault at Azure Storage. The message names the account's host and what to do; it holds no key or signature. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  readonly kind: StorageErrorKind;

  constructor(kind: StorageErrorKind, message: string, cause?: unknown) {
    super(message);
    if (cause !== undefined) Object.defineProperty(this, 'cause', { value: cause, enumerable: false });
    this.kind = kind;
  }
}
