"use client";

import { Download, EllipsisVertical, Upload } from "lucide-react";
import { lazy, useState } from "react";
import { LazyDialog } from "@/components/client-only";
import { buttonVariants } from "@/components/ui/button";
import { Menu, menuItem } from "@/components/ui/menu";
import { exportUrl } from "@/lib/api/tasks";

const ImportDialog = lazy(() => import("./import-dialog"));

const LABEL = "Import and export";

export function TransferMenu({ labelled = false }: { labelled?: boolean }) {
  const [importing, setImporting] = useState(false);
  return (
    <>
      <Menu
        label={LABEL}
        trigger={labelled ? LABEL : <EllipsisVertical className="size-4" aria-hidden="true" />}
        triggerClassName={
          labelled
            ? buttonVariants({ variant: "outline" })
            : "grid size-9 place-items-center rounded-lg hover:bg-muted hover:text-foreground"
        }
      >
        <button type="button" className={menuItem} onClick={() => setImporting(true)}>
          <Upload aria-hidden="true" />
          Import tasks…
        </button>
        <a href={exportUrl("json")} download className={menuItem}>
          <Download aria-hidden="true" />
          Export as JSON
        </a>
        <a href={exportUrl("csv")} download className={menuItem}>
          <Download aria-hidden="true" />
          Export as CSV
        </a>
      </Menu>
      <LazyDialog open={importing}>
        <ImportDialog open={importing} onClose={() => setImporting(false)} />
      </LazyDialog>
    </>
  );
}
