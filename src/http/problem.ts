import type { AdmissionRefusal } from '../admission/authenticator.js';
import { errorCatalogue } from '../protocol/error-catalogue.js';
import type { ErrorCode } from '../protocol/error-catalogue.js';

/** A refusal to be told as problem+json (RFC 9457). */
export interface Problem extends AdmissionRefusal {
  /** True when what else comes on the connection must not be read. */
  readonly closeConnection?: boolean;
}

export function statusOf(code: ErrorCode): number {
  return errorCatalogue[code].status;
}

/** The JSON text of a problem. */
export function encodeProblem(problem: Problem): string {
  const { status, title } = errorCatalogue[problem.code];
  return JSON.stringify({
    type: `urn:selvage:error:${problem.code}`,
    title,
    status,
    code: problem.code,
    detail: problem.detail,
    ...(problem.limit === undefined ? {} : { limit: problem.limit }),
    ...(problem.present === undefined ? {} : { present: problem.present }),
  });
}
