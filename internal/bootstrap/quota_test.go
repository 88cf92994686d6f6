package bootstrap

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/picloudtest"
)

// A script can catch that its app has no room for a message, and goes on; what it does
// not catch answers 507. What was refused has no effect, and room comes back.
func TestQuotaIsCaught(t *testing.T) {
	processes(t, func(t *testing.T, o picloudtest.Options) {
		o.Env = append(o.Env, "PICLOUD_QUEUE_MESSAGES=2")
		s := instanceOn(t, o)
		s.app("demo", map[string]string{
			"fill": `queue::send("a", 1); queue::send("a", 2); "sent"`,
			"late": `queue::send("a", 3); kv::set("uncaught", 1); "sent"`,
			"careful": `kv::set("before", 1);
				kv::flush();
				queue::send("a", 3);
				kv::set("refused", 1);
				let said = "sent";
				try { kv::flush(); } catch (e) { said = e; }
				kv::set("after", 1);
				said`,
		})
		post := func(script string) (int, string) {
			t.Helper()
			res, err := http.Post(s.URL+"/demo/"+script, "", nil)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			return res.StatusCode, string(body)
		}
		want := func(script string, status int, says string) {
			t.Helper()
			if got, body := post(script); got != status || !strings.Contains(body, says) {
				t.Errorf("%s: %d %s, want %d and %q", script, got, body, status, says)
			}
		}
		want("fill", http.StatusOK, "sent")
		want("careful", http.StatusOK, "with this 3 messages of the app would wait, at most 2 may")
		want("late", http.StatusInsufficientStorage, "no room")
		if res, said := ask(t, "POST", s.URL+"/demo/fill", "respond-async", ""); res.StatusCode != http.StatusInsufficientStorage {
			t.Errorf("to be run later: %d %v", res.StatusCode, said)
		}
		if keys := s.keys("demo", ""); len(keys) != 2 || keys["before"] == "" || keys["after"] == "" {
			t.Errorf("the keys are %v, want before and after", keys)
		}
		if n, err := s.PurgeQueue(t.Context(), "demo", "a", client.Purge{All: true}); err != nil || n != 2 {
			t.Fatalf("purged %d, %v, want 2", n, err)
		}
		want("careful", http.StatusOK, "sent")
		s.stop()
	})
}
