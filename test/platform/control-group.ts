import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { uniqueName } from './unique-name.js';

const root = '/sys/fs/cgroup';

/** How the memory controller is mounted: with the others (version 2) or by itself. */
interface Controller {
  readonly base: string;
  readonly limitFile: string;
  readonly unlimited: string;
  /** The line of `/proc/<pid>/cgroup` with the process's group. */
  readonly line: RegExp;
}

const versionTwo: Controller = { base: root, limitFile: 'memory.max', unlimited: 'max', line: /^0::(.*)$/m };
const versionOne: Controller = {
  base: join(root, 'memory'),
  limitFile: 'memory.limit_in_bytes',
  unlimited: '-1',
  line: /^\d+:memory:(.*)$/m,
};

function findController(): Controller | null {
  if (existsSync(join(root, 'cgroup.controllers')))
    return readFileSync(join(root, 'cgroup.controllers'), 'utf8').includes('memory') ? versionTwo : null;
  return existsSync(join(versionOne.base, versionOne.limitFile)) ? versionOne : null;
}

/** @returns Its path. */
function makeGroup(controller: Controller): string {
  const path = join(controller.base, uniqueName('selvage'));
  if (controller === versionTwo) writeFileSync(join(root, 'cgroup.subtree_control'), '+memory');
  mkdirSync(path);
  return path;
}

/** A control group of its own for a running process. What the process has already stays on the account of the group that it was in. `close` it. */
export class ControlGroup {
  readonly #controller: Controller;
  readonly #path: string;
  readonly #pid: number;
  readonly #before: string;

  private constructor(controller: Controller, pid: number) {
    this.#controller = controller;
    this.#pid = pid;
    this.#before = join(controller.base, controller.line.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? '/');
    this.#path = makeGroup(controller);
    this.#take(this.#path);
  }

  /** Whether one can be made here. */
  static isAllowed(): boolean {
    const controller = findController();
    if (controller === null) return false;
    try {
      rmdirSync(makeGroup(controller));
      return true;
    } catch {
      return false;
    }
  }

  static of(pid: number): ControlGroup {
    const controller = findController();
    if (controller === null) throw new Error('the memory controller is not mounted');
    return new ControlGroup(controller, pid);
  }

  limitBytes(bytes: number): void {
    writeFileSync(join(this.#path, this.#controller.limitFile), String(bytes));
  }

  /** The process goes back to where it was. */
  close(): void {
    writeFileSync(join(this.#path, this.#controller.limitFile), this.#controller.unlimited);
    this.#take(this.#before);
    rmdirSync(this.#path);
  }

  #take(group: string): void {
    writeFileSync(join(group, 'cgroup.procs'), String(this.#pid));
  }
}
