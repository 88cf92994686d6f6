// The browser that every test drives: the system's Chromium, or the one that
// PICLOUD_TEST_CHROMIUM names.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const installed = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

// patience bounds, in milliseconds, each wait for something on a page: a busy machine
// may take longer than Playwright's 30 s. What does not come is noticed all the same.
export const patience = 120_000;

export function launch() {
  return chromium.launch({
    executablePath: process.env.PICLOUD_TEST_CHROMIUM || installed,
    args: [
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
