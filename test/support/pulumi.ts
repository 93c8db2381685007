import { execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { dynamic, type Door } from "./doors";
import { cleanVariables, testEnvironment, type Environment, type PulumiVersions } from "./environment";

/** A resource of a test program, as `program.js` reads it and `doors.ts` translates it. */
export interface Declared {
  type: string;
  name: string;
  /** `{ $ref: "name.output" }` is an output of another resource, `{ $secret: value }` a secret, `{ $output: value }` an output. */
  args?: unknown;
  opts?: Record<string, unknown>;
  /** The id of one that exists: it is read, and not managed. */
  get?: unknown;
}

export interface Program {
  /** Where the classes come from. Default: this package. */
  library?: string;
  resources: Declared[];
  /** Look-ups: their results become stack outputs. */
  lookups?: { name: string; type: string; args?: unknown }[];
  /** Further stack outputs, written as arguments are. */
  outputs?: Record<string, unknown>;
}

export interface Result {
  code: number;
  /** Standard output and standard error, as they came. */
  text: string;
}

const command = join(__dirname, "..", "..", "bin", "pulumi-cpaas.js");

/** A Pulumi program with a stack of its own in a folder of its own, driven through the real CLI. */
export class TestStack {
  readonly folder: string;
  readonly door: Door;
  readonly #environment: Environment;
  /** Variables for the platform, as somebody who runs Pulumi exports them. */
  platform: Record<string, string>;
  /** Interrupts a command that is under way, as Ctrl-C does. */
  signal?: AbortSignal;

  private constructor(folder: string, environment: Environment, platform: Record<string, string>, door: Door) {
    this.folder = folder;
    this.door = door;
    this.#environment = environment;
    this.platform = platform;
  }

  static async create(
    platform: Record<string, string>,
    program: Program,
    {
      config = {},
      versions,
      environment = testEnvironment(versions),
      door = dynamic,
    }: { config?: Record<string, string>; versions?: PulumiVersions; environment?: Environment; door?: Door } = {},
  ): Promise<TestStack> {
    const folder = mkdtempSync(join(tmpdir(), "cpaas-stack-"));
    door.prepare(folder, environment);
    const stack = await TestStack.in(folder, platform, environment, door);
    stack.write(program);
    for (const [key, value] of Object.entries(config))
      await stack.ok(["config", "set", ...(key.endsWith("apiKey") ? ["--secret"] : []), key, value]);
    return stack;
  }

  /** A stack of a Pulumi program that is already in this folder, with everything installed. */
  static async in(folder: string, platform: Record<string, string>, environment = testEnvironment(), door = dynamic) {
    const stack = new TestStack(folder, environment, platform, door);
    mkdirSync(join(folder, ".state"));
    await stack.ok(["stack", "init", "test"]);
    return stack;
  }

  /** The file with the stack's state. */
  get stateFile(): string {
    return join(this.folder, ".state", ".pulumi", "stacks", "test", "test.json");
  }

  write(program: Program): void {
    this.door.write(this.folder, program, this.#environment);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  run(args: string[], input?: string): Promise<Result> {
    return this.start(args, input).ended;
  }

  /** Starts a command, for whoever wants to do something to its process. */
  start(args: string[], input?: string): { child: ChildProcess; ended: Promise<Result> } {
    const child = spawn("pulumi", [...args, "--non-interactive"], {
      cwd: this.folder,
      env: this.environmentVariables(),
      signal: this.signal,
      killSignal: "SIGINT",
    });
    const ended = new Promise<Result>((resolve, reject) => {
      let text = "";
      child.stdout.on("data", (data: Buffer) => (text += data.toString()));
      child.stderr.on("data", (data: Buffer) => (text += data.toString()));
      // One that was interrupted is waited for: it ends in good order.
      child.on("error", (error) => child.pid === undefined && reject(error));
      child.on("close", (code) => resolve({ code: code ?? -1, text }));
      child.stdin.end(input);
    });
    return { child, ended };
  }

  environmentVariables(): Record<string, string> {
    const { cli, yaml = cli } = this.#environment;
    return {
      ...cleanVariables(),
      PATH: [cli, yaml, process.env.PATH].join(delimiter),
      PULUMI_HOME: join(this.folder, ".pulumi"),
      PULUMI_BACKEND_URL: `file://${join(this.folder, ".state")}`,
      PULUMI_CONFIG_PASSPHRASE: "test",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_STACK: "test",
      ...this.platform,
    };
  }

  /** Runs a command that has to succeed. */
  async ok(args: string[], input?: string): Promise<string> {
    const { code, text } = await this.run(args, input);
    if (code !== 0) throw new Error(`pulumi ${args.join(" ")} ended with ${code}:\n${text}`);
    return text;
  }

  /** Runs a command that has to fail. */
  async fails(args: string[]): Promise<string> {
    const { code, text } = await this.run(args);
    if (code === 0) throw new Error(`pulumi ${args.join(" ")} should have failed:\n${text}`);
    return text;
  }

  /** Runs `npx pulumi-cpaas` in the stack's folder. Not in step: the sandbox answers in this process. */
  cpaas(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
    return new Promise((resolve) => {
      const options = { cwd: this.folder, env: this.environmentVariables(), maxBuffer: 2 ** 26 };
      execFile(process.execPath, [command, ...args], options, (error, stdout, stderr) => {
        resolve({ status: error ? Number(error.code) : 0, stdout, stderr });
      });
    });
  }

  up(...args: string[]): Promise<string> {
    return this.ok(["up", "--yes", "--skip-preview", ...args]);
  }

  /** What a preview would do, without what stays the same, what is only read, the stack itself and the engine's own providers. */
  async plan(...args: string[]): Promise<string[]> {
    return this.planOf(await this.ok(["preview", "--json", ...args]));
  }

  /** The same from the output of `preview --json`. */
  planOf(text: string): string[] {
    const { steps = [] } = JSON.parse(text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1)) as {
      steps?: { op: string; urn: string }[];
    };
    return steps
      .filter(({ op, urn }) => !["same", "refresh", "read"].includes(op) && !/::pulumi:(pulumi:Stack|providers:\w+::default)/.test(urn))
      .map(({ op, urn }) => `${op} ${urn.split("::").at(-1)!}`)
      .sort();
  }

  async state(showSecrets = false): Promise<StateFile> {
    const text = await this.ok(["stack", "export", ...(showSecrets ? ["--show-secrets"] : [])]);
    return JSON.parse(text.slice(text.indexOf("{"))) as StateFile;
  }

  /** The resources that this package manages, by their names. */
  async resources(showSecrets = false): Promise<Record<string, StateResource>> {
    const { deployment } = await this.state(showSecrets);
    return Object.fromEntries(
      (deployment.resources ?? []).flatMap((resource) => {
        const type = this.door.typeOf(resource.type);
        return type === undefined ? [] : [[`${type} ${resource.urn.split("::").at(-1)!}`, resource]];
      }),
    );
  }

  async outputs(): Promise<Record<string, any>> {
    const text = await this.ok(["stack", "output", "--json", "--show-secrets"]);
    return JSON.parse(text.slice(text.indexOf("{"))) as Record<string, any>;
  }
}

export interface StateResource {
  urn: string;
  type: string;
  id: string;
  /** Replaced, and still to be deleted. */
  delete?: boolean;
  inputs: Record<string, any>;
  outputs: Record<string, any>;
  initErrors?: string[];
  protect?: boolean;
  /** The line of the program that declares it. */
  sourcePosition?: string;
}

export interface StateFile {
  deployment: { resources?: StateResource[]; pending_operations?: unknown[] };
}
