package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/store/sqlite"
)

// syncEnv makes the test the process that strace watches; it names its data
// directory.
const syncEnv = "PICLOUD_SQLITE_SYNC_TEST"

// TestAcknowledgedMeansSynced watches the system calls of a writer: between two
// acknowledgements the journal is synced.
func TestAcknowledgedMeansSynced(t *testing.T) {
	const writes = 20
	if dir := os.Getenv(syncEnv); dir != "" {
		acknowledge(t, dir, writes)
		return
	}
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("needs strace")
	}
	dir := t.TempDir()
	trace := filepath.Join(dir, "trace")
	if out, err := exec.Command(strace, "-f", "-o", trace, "true").CombinedOutput(); err != nil {
		t.Skipf("strace may not trace here: %s", out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, strace, "-f", "-e", "trace=write,fsync,fdatasync", "-o", trace, os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
	cmd.Env = append(os.Environ(), syncEnv+"="+filepath.Join(dir, "data"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the writer: %v\n%s", err, out)
	}
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	synced := regexp.MustCompile(`\b(fsync|fdatasync)(\(\d+\)| resumed>\)) += 0`)
	acks, syncs := 0, 0
	for _, line := range strings.Split(string(text), "\n") {
		switch {
		case synced.MatchString(line):
			syncs++
		case strings.Contains(line, `write(1, "ack `):
			if acks++; syncs == 0 {
				t.Errorf("write %d was acknowledged without a sync", acks)
			}
			syncs = 0
		}
	}
	if acks != 3*writes {
		t.Errorf("the trace shows %d acknowledgements of %d", acks, 3*writes)
	}
}

func acknowledge(t *testing.T, dir string, writes int) {
	s, err := sqlite.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	app := store.App{ID: store.NewID(), Slug: "demo", ActiveDeployment: 1}
	if err := s.CreateApp(t.Context(), app, ""); err != nil {
		t.Fatal(err)
	}
	for i := range writes {
		name := fmt.Sprintf("user-%d", i)
		if err := s.CreateUser(t.Context(), store.User{ID: name, Username: name, Role: store.RoleMember}); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("ack %s\n", name)
		// A claim need not be durable. What follows it must be.
		now := time.Now().UTC()
		m := store.Message{ID: name, Channel: store.Channel{AppID: app.ID, Kind: store.ChannelQueue, Name: "q"}, CreatedAt: now, DueAt: now}
		if _, err := s.Enqueue(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("ack message %d\n", i)
		list, _, err := s.Claim(t.Context(), store.Claim{Channel: m.Channel, Max: 1, Lease: time.Minute, Owner: "node", Boot: "boot", At: now})
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		if _, err := s.Commit(t.Context(), store.Commit{AppID: app.ID, Acks: []string{name}, Lease: list[0].Lease, At: now}); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("ack of message %d\n", i)
	}
}
