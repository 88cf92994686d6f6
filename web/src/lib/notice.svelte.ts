// What has just happened, for the one place on the page that tells it.
export const notice = $state({ text: '', bad: false });

// notify shows a text until the next one, or until another page.
export function notify(text: string, bad = false) {
  notice.text = text;
  notice.bad = bad;
}
