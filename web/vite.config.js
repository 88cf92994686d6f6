import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [sveltekit()],
  // A file inlined as data: would have to be allowed by the content policy.
  build: { assetsInlineLimit: 0, chunkSizeWarningLimit: 1000 },
});
