import type { FieldError } from "@/lib/api/types";
import { plural } from "@/lib/format";

export function ImportErrors({ errors }: { errors: FieldError[] }) {
  return (
    <div role="alert" className="grid gap-2 text-sm">
      <p className="text-destructive">
        Nothing was imported: {plural(errors.length, "problem")}. Mend the file and choose it again.
      </p>
      <section
        className="max-h-56 overflow-y-auto rounded-lg border"
        aria-label="Problems in the file"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable area must be reachable by keyboard
        tabIndex={0}
      >
        <table className="w-full text-left">
          <thead className="sticky top-0 bg-muted text-muted-foreground">
            <tr>
              <th className="px-3 py-1.5 font-medium">Line</th>
              <th className="px-3 py-1.5 font-medium">Field</th>
              <th className="px-3 py-1.5 font-medium">Problem</th>
            </tr>
          </thead>
          <tbody className="divide-y">
            {errors.map(({ line, field, rule }) => (
              <tr key={`${line} ${field} ${rule}`}>
                <td className="px-3 py-1.5 tabular-nums">{line ?? "–"}</td>
                <td className="px-3 py-1.5">{field}</td>
                <td className="px-3 py-1.5">{rule}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </div>
  );
}
