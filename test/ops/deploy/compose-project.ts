import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { goBuild } from '../../../scripts/ops/tools/tools.mjs';
import { repositoryPath } from '../../platform/run-folder.js';

/** What these tests read of a service; names are those of the compose specification. */
export interface ComposeService {
  readonly image: string;
  readonly command: readonly string[] | null;
  readonly entrypoint: readonly string[] | null;
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly { readonly type: string; readonly source: string; readonly target: string; readonly read_only?: boolean }[];
  readonly ports?: readonly { readonly host_ip?: string; readonly target: number; readonly published: string }[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test?: readonly string[] };
  readonly stop_grace_period?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
}

export interface ComposeProject {
  readonly name: string;
  readonly services: Readonly<Record<string, ComposeService>>;
}

/** `deploy/compose.yaml`, loaded by the library of `docker compose config`: its schema, merges, references and paths. Throws with what that says is wrong. */
export async function loadComposeProject(path = join(repositoryPath, 'deploy', 'compose.yaml')): Promise<ComposeProject> {
  const program = await goBuild({ name: 'compose-check', modulePath: join(repositoryPath, 'test/ops/deploy/compose-check') });
  const { stdout } = await promisify(execFile)(program, [path], { maxBuffer: 16_777_216 });
  return JSON.parse(stdout) as ComposeProject;
}

/** The service of that name; throws when there is none. */
export function serviceOf(project: ComposeProject, name: string): ComposeService {
  const service = project.services[name];
  if (service === undefined) throw new Error(`compose.yaml has no service ${name}`);
  return service;
}

/** The file of ours that a service finds at `target`. */
export function mountedAt(service: ComposeService, target: string): string {
  const mount = service.volumes?.find((one) => one.type === 'bind' && one.target === target);
  if (mount === undefined) throw new Error(`nothing of ours is mounted at ${target}`);
  return mount.source;
}
