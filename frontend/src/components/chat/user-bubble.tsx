import { cn } from "@/lib/utils";

export function UserBubble({ text, pending = false }: { text: string; pending?: boolean }) {
  return (
    <p
      className={cn(
        "w-fit max-w-[85%] justify-self-end whitespace-pre-wrap rounded-2xl rounded-br-md bg-accent px-3.5 py-2 text-accent-foreground text-sm leading-6 wrap-anywhere",
        pending && "opacity-70",
      )}
    >
      <span className="sr-only">You: </span>
      {text}
    </p>
  );
}
