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
		_ = nodes.KeepNode(t.Context(), other, Lease)
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
