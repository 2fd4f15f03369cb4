/** One instruction of a Dockerfile, its continuation lines joined. */
export interface Instruction {
  readonly name: string;
  readonly text: string;
}

export interface DockerStage {
  /** `AS …`; the last stage of ours has none. */
  readonly name: string | null;
  /** The image or stage that it begins with, variables replaced. */
  readonly from: string;
  readonly instructions: readonly Instruction[];
}

/** What the instructions of an image say about running it. */
export interface ImageSettings {
  readonly env: Readonly<Record<string, string>>;
  readonly folder: string;
  readonly user: string;
  readonly entrypoint: readonly string[];
  readonly healthcheck: string;
  readonly stopSignal: string;
  readonly labels: string;
}

/** Reads a Dockerfile of the forms that ours uses; anything else throws. */
export function parseDockerfile(text: string): readonly DockerStage[] {
  const variables: Record<string, string> = {};
  const stages: { name: string | null; from: string; instructions: Instruction[] }[] = [];
  for (const instruction of instructionsOf(text)) {
    const stage = stages.at(-1);
    if (instruction.name === 'FROM') stages.push({ ...readFrom(substitute(instruction.text, variables)), instructions: [] });
    else if (stage !== undefined) stage.instructions.push(instruction);
    else if (instruction.name === 'ARG') Object.assign(variables, readAssignment(instruction.text));
    else throw new Error(`${instruction.name} before FROM`);
  }
  return stages;
}

/** What a container of the stage runs, and how. */
export function settingsOf(stage: DockerStage): ImageSettings {
  const all = (name: string): readonly string[] => stage.instructions.filter((one) => one.name === name).map(({ text }) => text);
  const last = (name: string): string => all(name).at(-1) ?? '';
  return {
    env: Object.assign({}, ...all('ENV').map(readAssignment)) as Record<string, string>,
    folder: last('WORKDIR'),
    user: last('USER'),
    entrypoint: JSON.parse(last('ENTRYPOINT')) as string[],
    healthcheck: last('HEALTHCHECK'),
    stopSignal: last('STOPSIGNAL'),
    labels: all('LABEL').join(' '),
  };
}

export function readAssignment(text: string): Record<string, string> {
  const match = /^([A-Z_]+)=(\S*)$/.exec(text);
  if (match === null) throw new Error(`not NAME=value: ${text}`);
  return { [match[1]!]: match[2]! };
}

function instructionsOf(text: string): readonly Instruction[] {
  const lines = text
    .split('\n')
    .filter((line) => !/^\s*(#|$)/.test(line))
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n');
  return lines.map((line) => {
    const match = /^([A-Z]+) (.+)$/.exec(line);
    if (match === null) throw new Error(`not an instruction: ${line}`);
    return { name: match[1]!, text: match[2]!.trim() };
  });
}

function readFrom(text: string): { name: string | null; from: string } {
  const match = /^(\S+)(?: AS (\S+))?$/.exec(text);
  if (match === null) throw new Error(`not FROM image AS name: ${text}`);
  return { from: match[1]!, name: match[2] ?? null };
}

function substitute(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\{([A-Z_]+)\}/g, (_, name: string) => {
    const value = variables[name];
    if (value === undefined) throw new Error(`${name} has no value`);
    return value;
  });
}
