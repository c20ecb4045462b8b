import * as z from "zod/mini";
import { description, title } from "./rules";

export const taskText = z.object({ title, description });
