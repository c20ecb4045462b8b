import { type APIRequestContext, type APIResponse, expect } from "@playwright/test";
import type { NewTask, Task, TaskPage } from "@/lib/api/types";

/** The application without its pages: prepares what a test starts from, and tells what is stored in the end. */
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
      const answer = await this.post("/api/tasks", typeof task === "string" ? { title: task } : task);
      added.push(await answer.json());
    }
    return added;
  }

  /** `count` tasks in one go: "Task 00001" is the newest. */
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
    const answer = await this.request.get("/api/tasks?limit=200");
    await expect(answer).toBeOK();
    return ((await answer.json()) as TaskPage).tasks;
  };

  createToken = (name: string) => this.post("/api/auth/tokens", { name });

  private post = (path: string, data?: object) => this.send("post", path, data);

  private async send(method: "post" | "patch" | "delete", path: string, data?: object): Promise<APIResponse> {
    const answer = await this.request[method](path, { data, headers: { origin: this.origin } });
    await expect(answer).toBeOK();
    return answer;
  }
}
