/** The hash of the evidence chain. Layer: app. */
import { hash } from 'node:crypto';
import type { Sha256 } from '../../domain/evidence/evidence-chain.ts';

export const sha256: Sha256 = (data) => hash('sha256', data, 'hex');
