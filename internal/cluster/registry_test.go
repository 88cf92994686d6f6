package cluster

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// What lives is on the list until it is dropped, comes back when the list is lost, and
// is logged once if it runs another release.
func TestRegistry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := &list{}
		var said bytes.Buffer
		r := Join(nodes, "1.0", slog.New(slog.NewTextHandler(&said, nil)))
		changes := 0
		r.OnChange(func() { changes++ })
		own := store.Node{Name: "a", Kind: store.NodeOrchestrator, Address: "10.0.0.1:8080", Version: "1.0"}
		r.Keep(own)
		synctest.Wait()
		if got := r.Of(store.NodeOrchestrator); len(got) != 1 || got[0] != own || len(r.Of(store.NodeManager)) > 0 {
			t.Errorf("the orchestrators are %v, the managers %v", got, r.Of(store.NodeManager))
		}
		_ = nodes.RemoveNode(t.Context(), own) // as a crash of the server would
		other := store.Node{Name: "b", Kind: store.NodeManager, Address: "10.0.0.2:8081", Version: "1.1"}
		_, _ = nodes.KeepNode(t.Context(), other, Lease)
		time.Sleep(4 * Heartbeat)
		synctest.Wait()
		if list, _ := nodes.Nodes(t.Context()); len(list) != 2 {
			t.Errorf("after some heartbeats the list is %v", list)
		}
		if got := r.Of(store.NodeManager); len(got) != 1 || got[0] != other {
			t.Errorf("the managers are %v", got)
		}
		if n := strings.Count(said.String(), "runs another release"); n != 1 {
			t.Errorf("said %d times that another release runs: %s", n, said.String())
		}
		_ = nodes.RemoveNode(t.Context(), other)
		r.Refresh(t.Context())
		if got := r.Of(store.NodeManager); len(got) > 0 {
			t.Errorf("after a look the managers are %v", got)
		}
		// One came, another came, and went.
		if changes != 3 {
			t.Errorf("told of %d changes", changes)
		}
		r.Close()
		if list, _ := nodes.Nodes(t.Context()); len(list) > 0 {
			t.Errorf("after Close the list is %v", list)
		}
	})
}

// What nodes have left that are gone is looked for by orchestrators only, and by none
// whose own lease could not be extended a moment ago: then that of a node that lives
// may have ended as well.
func TestWhoLooksForNodesThatAreGone(t *testing.T) {
	for kind, want := range map[store.NodeKind]bool{store.NodeOrchestrator: true, store.NodeManager: false} {
		synctest.Test(t, func(t *testing.T) {
			nodes := &list{}
			r := Join(nodes, "1.0", slog.New(slog.DiscardHandler))
			defer r.Close()
			asked := func(after time.Duration) bool {
				nodes.mu.Lock()
				nodes.asked = 0
				nodes.mu.Unlock()
				time.Sleep(after)
				synctest.Wait()
				nodes.mu.Lock()
				defer nodes.mu.Unlock()
				return nodes.asked > 0
			}
			down := func(down bool) {
				nodes.mu.Lock()
				defer nodes.mu.Unlock()
				nodes.down = down
			}
			own := store.Node{Name: "a", Kind: kind, Boot: "1", Version: "1.0"}
			r.Keep(own)
			time.Sleep(time.Second)
			if asked(Heartbeat) {
				t.Errorf("a new %s looks", kind)
			}
			if got := asked(steadyFor); got != want {
				t.Errorf("a steady %s looks: %v", kind, got)
			}
			down(true)
			if asked(Heartbeat) {
				t.Errorf("a %s looks without a list", kind)
			}
			down(false)
			if asked(Heartbeat) {
				t.Errorf("a %s looks at once when the list is back", kind)
			}
			// The list was not down, but its server's clock was set forward, or it stood still.
			if got := asked(3 * Heartbeat); got != want {
				t.Errorf("a %s that is steady again looks: %v", kind, got)
			}
			nodes.mu.Lock()
			nodes.ends[kind] = time.Now()
			nodes.mu.Unlock()
			if asked(Heartbeat) {
				t.Errorf("a %s looks whose own lease had ended", kind)
			}
		})
	}
}
