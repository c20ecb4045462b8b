import { type APIRequestContext, type APIResponse, expect } from "@playwright/test";
import type { NewTask, Task, TaskPage } from "@/lib/api/types";

/** Uses the API directly, to prepare a test and to check what is stored. */
export class Api {
  constructor(
    private readonly request: APIRequestContext,
    private readonly origin: string,
  ) {}

  async signUp(email: string, password: string) {
    await this.post("/api/auth/sign-up", { email, password });
  }

  async signIn(email: string, password: string) {
    await this.post("/api/auth/sign-in", { email, password });
  }

  async addTasks(...tasks: (string | NewTask)[]): Promise<Task[]> {
    const added: Task[] = [];
    for (const task of tasks) {
      const response = await this.post("/api/tasks", typeof task === "string" ? { title: task } : task);
      added.push(await response.json());
    }
    return added;
  }

  /** Imports `count` tasks at once. "Task 00001" is the newest. */
  async importTasks(count: number) {
    const now = Date.now();
    const tasks = Array.from({ length: count }, (_, index) => ({
      title: `Task ${String(index + 1).padStart(5, "0")}`,
      created_at: new Date(now - index * 1000).toISOString(),
    }));
    await this.post("/api/tasks/import", tasks);
  }

  update = (id: string, change: object) => this.send("patch", `/api/tasks/${id}`, change);
  complete = (id: string) => this.post(`/api/tasks/${id}/complete`);
  delete = (id: string) => this.send("delete", `/api/tasks/${id}`);

  tasks = async (): Promise<Task[]> => {
    const response = await this.request.get("/api/tasks?limit=200");
    await expect(response).toBeOK();
    return ((await response.json()) as TaskPage).tasks;
  };

  createToken = (name: string) => this.post("/api/auth/tokens", { name });

  private post = (path: string, data?: object) => this.send("post", path, data);

  private async send(method: "post" | "patch" | "delete", path: string, data?: object): Promise<APIResponse> {
    const response = await this.request[method](path, { data, headers: { origin: this.origin } });
    await expect(response).toBeOK();
    return response;
  }
}
