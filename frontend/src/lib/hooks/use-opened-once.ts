import { useState } from "react";

/** True from the first time on: what was loaded lazily stays, so that its dialog can close properly. */
export function useOpenedOnce(open: boolean) {
  const [opened, setOpened] = useState(open);
  if (open && !opened) setOpened(true);
  return opened || open;
}
