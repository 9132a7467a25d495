/** The Entra directory, as far as granting app roles needs it, and the roles there are to grant. Port. Layer: domain. */
import type { CallOptions } from './ports.ts';

/** An app role of Microsoft Graph that Keyturn needs. */
export interface NeededRole {
  readonly role: string;
  /** A GUID, the same in every tenant and cloud. */
  readonly roleId: string;
  /** At least one. */
  readonly reasons: readonly RoleReason[];
}

/** What needs a role. */
export interface RoleReason {
  readonly feature: string;
  /** In words that follow "to". */
  readonly title: string;
  /** Any one of these lets Graph answer, the role itself and broader ones alike. */
  readonly anyOf: readonly string[];
}

/** A service principal: an app, or a managed identity, as the tenant knows it. */
export interface ServicePrincipal {
  /** Object id, a lower-case GUID; of a managed identity what Azure calls `principalId`. */
  readonly id: string;
  /** Application (client) id, a lower-case GUID. */
  readonly appId: string;
  /** Empty when it has none. */
  readonly displayName: string;
  /** Such as `ManagedIdentity` or `Application`; empty when Graph left it out. */
  readonly type: string;
}

/** An app role that an API offers. */
export interface OfferedRole {
  readonly roleId: string;
  /** Its name, as it arrives in the `roles` of a token; empty when it has none. */
  readonly role: string;
  readonly isEnabled: boolean;
  /** False for a role that only users and groups can have. */
  readonly isForApplications: boolean;
}

/** The service principal of Microsoft Graph itself in this tenant. */
export interface GraphApi {
  readonly id: string;
  readonly roles: readonly OfferedRole[];
}

/** An app role that a service principal has: which one, of which API. */
export interface RoleAssignment {
  readonly resourceId: string;
  readonly roleId: string;
}

/** What came of asking for one assignment. */
export type AssignmentOutcome =
  /** 201. */
  | { readonly kind: 'assigned' }
  /** 400 or 409: it is there already. */
  | { readonly kind: 'exists' }
  /** A 403 that is believed: whoever asks may not. */
  | { readonly kind: 'forbidden'; readonly requestId?: string }
  /** Any other 4xx. */
  | { readonly kind: 'refused'; readonly httpStatus: number; readonly requestId?: string }
  /** A 5xx, 408, timeout or reset after sending: it may have been assigned. */
  | { readonly kind: 'unknown'; readonly httpStatus?: number }
  /** Certainly not assigned: never sent, or only ever answered with 429. */
  | { readonly kind: 'notSent'; readonly retryAfterMs: number };

/** The directory behind Graph. Every method paces itself and retries within its `CallOptions`. @throws {GraphError} */
export interface Directory {
  /** Microsoft Graph's own service principal and the roles it offers. */
  graphApi(options: CallOptions): Promise<GraphApi>;
  /** The service principal of that object id, or else of that application id; `undefined` when there is neither. */
  findPrincipal(id: string, options: CallOptions): Promise<ServicePrincipal | undefined>;
  /** All app roles the principal has, of every API. Assignments made within the last minutes may be missing. */
  roleAssignments(principalId: string, options: CallOptions): Promise<readonly RoleAssignment[]>;
  /** Asks for one assignment, at most once: after anything but a 429, a first 401 or a bounded number of 403s it is not sent again. */
  assignRole(principalId: string, assignment: RoleAssignment, options: CallOptions): Promise<AssignmentOutcome>;
}
