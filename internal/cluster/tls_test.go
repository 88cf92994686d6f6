package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/picloud/picloud/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestKeys(t *testing.T) {
	a, b := NewKey(), NewKey()
	keys, err := ParseKeys("# the cluster's\n" + a.Text() + "\n\n " + b.Text() + "\n")
	if err != nil || len(keys) != 2 || keys[0] != a || keys[1] != b {
		t.Fatalf("ParseKeys: %v, %v", keys, err)
	}
	file := filepath.Join(t.TempDir(), "cluster.key")
	if err := os.WriteFile(file, []byte(a.Text()), 0o600); err != nil {
		t.Fatal(err)
	}
	if keys, err := ReadKeys(file); err != nil || len(keys) != 1 || keys[0] != a {
		t.Errorf("ReadKeys: %v, %v", keys, err)
	}
	for text, want := range map[string]string{
		"":                        "there is no key in it",
		"psk1_abc":                "generate-key",
		a.Text()[:50]:             "not whole",
		a.Text()[:52] + "!":       "not whole",
		swapped(a.Text(), 10, 20): "mistyped",
	} {
		if _, err := ParseKeys(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseKeys(%q): %v, want %q", text, err, want)
		} else if len(text) > 20 && strings.Contains(err.Error(), text[10:20]) {
			t.Errorf("the error shows the key: %v", err)
		}
	}
	if said := fmt.Sprintf("%v %+v %#v %s", a, a, a, a); strings.Contains(said, a.Text()) || said != strings.TrimSpace(strings.Repeat("cluster key ", 4)) {
		t.Errorf("a key prints as %q", said)
	}
}

func swapped(s string, i, j int) string {
	for s[i] == s[j] {
		j++
	}
	b := []byte(s)
	b[i], b[j] = b[j], b[i]
	return string(b)
}

// meet has a client and a server exchange a byte each and returns what they say.
func meet(t *testing.T, client, server *tls.Config) (clientErr, serverErr error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan error, 1)
	go func() {
		conn, err := tls.NewListener(l, server).Accept()
		if err != nil {
			done <- err
			return
		}
		defer conn.Close()
		b := make([]byte, 1)
		_, err = io.ReadFull(conn, b)
		if err == nil {
			_, err = conn.Write(b)
		}
		done <- err
	}()
	conn, err := (&tls.Dialer{Config: client}).DialContext(context.Background(), "tcp", l.Addr().String())
	if err != nil {
		return err, <-done
	}
	defer conn.Close()
	_, err = conn.Write([]byte{1})
	if err == nil {
		_, err = io.ReadFull(conn, make([]byte, 1))
	}
	return err, <-done
}

// Who has no key, another one, or does something else than is expected, gets no
// byte through.
func TestIdentities(t *testing.T) {
	identity := func(kind store.NodeKind, keys ...Key) *Identity {
		id, err := NewIdentity(keys, kind)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	key, other := NewKey(), NewKey()
	executor := identity(store.NodeExecutor, key).Server(store.NodeOrchestrator)
	both := func(client, server *tls.Config) error {
		t.Helper()
		c, s := meet(t, client, server)
		if (c == nil) != (s == nil) {
			t.Errorf("the client says %v, the server %v", c, s)
		}
		return Explain(c)
	}
	if err := both(identity(store.NodeOrchestrator, key).Client(store.NodeExecutor), executor); err != nil {
		t.Errorf("an orchestrator and an executor: %v", err)
	}
	if err := both(identity(store.NodeOrchestrator, other).Client(store.NodeExecutor), executor); !errors.Is(err, errKey) {
		t.Errorf("another key: %v", err)
	}
	blind := identity(store.NodeOrchestrator, other).Client(store.NodeExecutor)
	blind.InsecureSkipVerify = true
	if err := both(blind, executor); !errors.Is(err, errKey) {
		t.Errorf("another key, whoever the server is: %v", err)
	}
	anonymous := identity(store.NodeOrchestrator, key).Client(store.NodeExecutor)
	anonymous.Certificates = nil
	if err := both(anonymous, executor); err == nil {
		t.Error("a client without a certificate is let in")
	}
	if err := both(identity(store.NodeExecutor, key).Client(store.NodeExecutor), executor); err == nil {
		t.Error("an executor lets in another one")
	}
	if err := both(identity(store.NodeOrchestrator, key).Client(store.NodeManager), executor); err == nil {
		t.Error("an executor passes for a manager")
	}
	// A key is changed node by node.
	if err := both(identity(store.NodeOrchestrator, other, key).Client(store.NodeExecutor), identity(store.NodeExecutor, key, other).Server(store.NodeOrchestrator)); err != nil {
		t.Errorf("while the key is changed: %v", err)
	}
	if _, err := NewIdentity(nil, store.NodeManager); err == nil {
		t.Error("an identity without a key")
	}
}
