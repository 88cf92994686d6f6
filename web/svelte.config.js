import adapter from '@sveltejs/adapter-static';

/** @type {import('@sveltejs/kit').Config} */
export default {
  compilerOptions: { runes: true },
  kit: {
    adapter: adapter({ pages: '.svelte-kit/dashboard', fallback: 'index.html' }),
    appDir: 'app',
    // One script and one style: nothing is fetched later that an upgrade of the server may have replaced.
    output: { bundleStrategy: 'single' },
    paths: { base: '/_', relative: false },
    version: { name: 'picloud' },
  },
};
