import { Keyboard, Radio, Server } from "lucide-react";
import type { ReactNode } from "react";
import { Kbd } from "@/components/ui/kbd";

const FEATURES: { Icon: typeof Radio; title: string; text: ReactNode }[] = [
  {
    Icon: Keyboard,
    title: "Hands on the keys",
    text: (
      <>
        <Kbd>n</Kbd> to add, <Kbd>j</Kbd> <Kbd>k</Kbd> to move, <Kbd>Space</Kbd> to complete, <Kbd>u</Kbd> to undo. Ten
        thousand tasks scroll as smoothly as ten.
      </>
    ),
  },
  {
    Icon: Radio,
    title: "In step everywhere",
    text: "A change on one device shows on every other in the same moment. Two of you editing the same task? Nothing is overwritten unseen.",
  },
  {
    Icon: Server,
    title: "Yours to run",
    text: "Open source, on your own cluster, with no third party watching. Take your tasks in and out as JSON or CSV whenever you like.",
  },
];

export function Features() {
  return (
    <section aria-label="What makes it different" className="border-t bg-muted/40">
      <ul className="mx-auto grid max-w-6xl gap-10 px-4 py-16 sm:px-6 md:grid-cols-3 md:gap-12 md:py-20">
        {FEATURES.map(({ Icon, title, text }) => (
          <li key={title}>
            <span className="mb-4 grid size-10 place-items-center rounded-xl bg-accent text-accent-foreground">
              <Icon className="size-5" strokeWidth={1.8} aria-hidden="true" />
            </span>
            <h2 className="mb-2 font-semibold text-lg">{title}</h2>
            <p className="text-muted-foreground leading-7">{text}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}
