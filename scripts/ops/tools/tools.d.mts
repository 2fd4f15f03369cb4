/** Types of `tools.mjs` for tests in TypeScript. */
export function provideNginx(): Promise<string>;
export function provideHaproxy(): Promise<string>;
export function providePrometheus(): Promise<string>;
export function providePromtool(): Promise<string>;
export function provideAlertmanager(): Promise<string>;
export function provideAmtool(): Promise<string>;
export function provideEnvoy(): Promise<string>;
export function provideHelm4(): Promise<string>;
export function provideHelm3(): Promise<string>;
export function provideHelmUnittest(): Promise<string>;
/** `helm template` by Helm's own engine, built in seconds: `<path> template NAME CHART [--namespace N] [--values F] [--set K=V] [--api-versions V] [--kube-version V]`. */
export function provideHelmTemplate(): Promise<string>;
export function provideKubeconform(): Promise<string>;
export function provideKubeApiserver(): Promise<string>;
export function provideEtcd(): Promise<string>;
/** The folder of CRDs (Gateway API, Prometheus operator, KEDA) as YAML files. */
export function provideCrds(): Promise<string>;
/** For `kubeconform -schema-location`. */
export function provideKubernetesSchemas(): Promise<string>;

export interface GoProgram {
  readonly name: string;
  /** The folder with go.mod and go.sum. */
  readonly modulePath: string;
  /** What to build; default: the module's top. */
  readonly package?: string;
  /** For the linker, beside -s -w. */
  readonly ldflags?: readonly string[];
  /** Files and folders that decide whether to build again; default: the module's folder. */
  readonly sourcePaths?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Default: 20 minutes. */
  readonly buildMs?: number;
}

/** Builds a program once for each state of its sources, and returns its path in `.cache/ops/`. */
export function goBuild(program: GoProgram): Promise<string>;
