/** What is needed only when a task is added; loaded after the page is there. */
export { addTask } from "./add";
export { checkTaskText } from "./check";
