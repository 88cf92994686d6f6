import { onDestroy } from 'svelte';
import { beforeNavigate } from '$app/navigation';
import { unsaved } from './unsaved';

// leaving asks before a page is left on which something is unsaved. Call it while
// a component is made.
export function leaving(holds: () => boolean) {
  unsaved.add(holds);
  onDestroy(() => unsaved.delete(holds));
  beforeNavigate(({ cancel, willUnload, from, to }) => {
    if (!holds() || (!willUnload && from?.url.pathname === to?.url.pathname)) return;
    // The browser itself asks when the page is unloaded and this cancels.
    if (willUnload || !confirm('Leave without deploying what you changed?')) cancel();
  });
}
