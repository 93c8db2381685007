import { Agent, createServer, request as httpRequest, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { duplexPair, type Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

/** An HTTP server that can be away for a time and come back on the same port. */
export class Listener {
  readonly #server: Server;
  readonly #stopped = new AbortController();
  readonly #host: string;
  #port: number;
  #away = 0;

  constructor(handler: RequestListener, host: string, port: number) {
    this.#server = createServer(handler);
    this.#host = host;
    this.#port = port;
  }

  /** Starts to listen and returns `http://host:port`. */
  async open(): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.#port, this.#host, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
    this.#port = (this.#server.address() as AddressInfo).port;
    return `http://${this.#host.includes(":") ? `[${this.#host}]` : this.#host}:${this.#port}`;
  }

  /** Refuses new connections for some milliseconds; those that are busy stay. */
  async refuse(ms: number): Promise<void> {
    this.#away++;
    this.#server.close();
    await sleep(ms, undefined, { signal: this.#stopped.signal }).catch(() => {});
    if (--this.#away === 0 && !this.#stopped.signal.aborted) await this.open();
  }

  /** Drops every connection and refuses new ones for some milliseconds. */
  async restart(ms: number): Promise<void> {
    const back = this.refuse(ms);
    this.#server.closeAllConnections();
    await back;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }
}

export interface Answer {
  status: number;
  /** Parsed where it is JSON, else the text; null where there is none. */

  body: any;
}

/** Requests that reach a handler without a port: nobody else can send any. */
export class Inside {
  readonly #agent = new InsideAgent((connection) => this.#server.emit("connection", connection));
  readonly #server: Server;

  constructor(
    handler: RequestListener,
    readonly bodies: "json" | "form",
  ) {
    this.#server = createServer(handler);
  }

  request(method: string, path: string, body?: unknown): Promise<Answer> {
    return new Promise<Answer>((resolve, reject) => {
      const form = this.bodies === "form";
      const text =
        body === undefined ? undefined : form ? new URLSearchParams(body as Record<string, string>).toString() : JSON.stringify(body);
      const type = form ? "application/x-www-form-urlencoded" : "application/json";
      const headers = {
        Accept: "application/json",
        ...(text !== undefined && { "Content-Type": type, "Content-Length": Buffer.byteLength(text) }),
      };
      const sent = httpRequest({ method, path, headers, agent: this.#agent }, (response) => {
        let received = "";
        response.setEncoding("utf8").on("data", (chunk: string) => (received += chunk));
        response.once("error", reject).once("end", () => {
          const isJson = /^application\/json/.test(response.headers["content-type"] ?? "");
          const parsed: unknown = isJson ? JSON.parse(received) : received || null;
          resolve({ status: response.statusCode!, body: parsed });
        });
      });
      sent.once("error", reject).end(text);
    });
  }
}

/** Keeps connections that are no sockets: each is a pair of streams, one end of which it gives to the server. */
class InsideAgent extends Agent {
  constructor(readonly accept: (connection: Duplex) => void) {
    super({ keepAlive: true });
  }

  override createConnection(): Duplex {
    const [client, server] = duplexPair();
    this.accept(server);
    // What the agent does to a socket that nobody uses at the moment.
    const nothing = () => {};
    return Object.assign(client, { setKeepAlive: nothing, setTimeout: nothing, ref: nothing, unref: nothing });
  }
}
