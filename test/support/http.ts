import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

export interface LocalServer {
  /** http://127.0.0.1:<port> */
  url: string;
  port: number;
  server: Server;
  stop(): Promise<void>;
}

/** A server on loopback. */
export async function serve(listener: RequestListener): Promise<LocalServer> {
  const server = createServer(listener);
  // A proxy's tunnels are no longer the server's to close.
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => sockets.add(socket.once("close", () => sockets.delete(socket))));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    server,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** One request on its way to a platform. */
export class Exchange {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #origin: string;
  readonly #body: Buffer;
  #answer?: { response: Response; text: string };

  constructor(request: IncomingMessage, response: ServerResponse, origin: string, body: Buffer) {
    this.#request = request;
    this.#response = response;
    this.#origin = origin;
    this.#body = body;
  }

  /** Such as `POST /v1/Accounts`. */
  get line(): string {
    return `${this.#request.method} ${this.#request.url}`;
  }

  get body(): string {
    return this.#body.toString();
  }

  /** Has the platform carry it out, whether or not the client is still there, and gives its answer. */
  async carry(): Promise<string> {
    const { authorization = "", "content-type": type = "" } = this.#request.headers;
    const response = await fetch(`${this.#origin}${this.#request.url}`, {
      method: this.#request.method,
      headers: { authorization, ...(type ? { "content-type": type } : {}) },
      ...(this.#body.length > 0 ? { body: new Uint8Array(this.#body) } : {}),
    });
    const text = await response.text();
    this.#answer = { response, text };
    return text;
  }

  /** Gives the client the platform's answer, or what is made of it. */
  async answer(change = (text: string) => text): Promise<void> {
    const { response, text } = this.#answer!;
    const { status, headers } = response;
    this.#response.writeHead(status, { "content-type": headers.get("content-type") ?? "text/plain", date: headers.get("date") ?? "" });
    this.#response.end(change(text));
  }

  async pass(): Promise<void> {
    await this.carry();
    await this.answer();
  }

  /** The client's connection breaks off. */
  cut(): void {
    this.#request.socket.destroy();
  }

  /** When the client has given up. */
  gone(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#response.destroyed) resolve();
      else this.#response.once("close", () => resolve());
    });
  }
}

/** Stands between the provider and a platform, and does with each request what a test says. */
export async function between(platformUrl: string, act: (exchange: Exchange) => Promise<void>): Promise<LocalServer> {
  const { origin, pathname } = new URL(platformUrl);
  const server = await serve((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => void act(new Exchange(request, response, origin, Buffer.concat(chunks))));
  });
  return { ...server, url: `${server.url}${pathname}` };
}
