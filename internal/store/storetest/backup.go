package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// Restore fills an empty place from a backup and opens it, or says why not.
type Restore func(t *testing.T, backup []byte) (store.Store, error)

// RunBackup runs the suite for Backup and a driver's Restore.
func RunBackup(t *testing.T, open Open, restore Restore) {
	t.Run("RoundTrip", func(t *testing.T) {
		s := open(t)
		Fill(t, s)
		var b bytes.Buffer
		must(t, "Backup", s.Backup(t.Context(), &b))
		got, err := restore(t, b.Bytes())
		must(t, "Restore", err)
		equal(t, "everything", everything(t, got), everything(t, s))
		addScript(t, got, addApp(t, got, "later"), "hello", source()) // it goes on working
	})
	t.Run("Empty", func(t *testing.T) {
		var b bytes.Buffer
		must(t, "Backup", open(t).Backup(t.Context(), &b))
		got, err := restore(t, b.Bytes())
		must(t, "Restore", err)
		n, err := got.CountUsers(t.Context())
		must(t, "CountUsers", err)
		equal(t, "users", n, 0)
	})
	t.Run("WhileWriting", func(t *testing.T) { testBackupWhileWriting(t, open(t), restore) })
	t.Run("Refusals", func(t *testing.T) {
		s := open(t)
		Fill(t, s)
		var b bytes.Buffer
		must(t, "Backup", s.Backup(t.Context(), &b))
		whole := b.Bytes()
		for name, damaged := range map[string][]byte{
			"nothing":       {},
			"another file":  []byte(strings.Repeat("hello, world\n", 1000)),
			"cut in half":   whole[:len(whole)/2],
			"without end":   whole[:len(whole)-4096],
			"another start": append([]byte("x"), whole...),
		} {
			if _, err := restore(t, damaged); err == nil {
				t.Errorf("%s: restored without an error", name)
			}
		}
	})
	t.Run("Failing writer", func(t *testing.T) {
		s := open(t)
		Fill(t, s)
		full := errors.New("disk full")
		wantErr(t, "Backup", s.Backup(t.Context(), failingWriter{full}), full)
		addApp(t, s, "later") // nothing is locked
	})
	t.Run("Ended context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		wantErr(t, "Backup", open(t).Backup(ctx, &bytes.Buffer{}), context.Canceled)
	})
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

// Fill puts rows into every table.
func Fill(t *testing.T, s store.Store) {
	t.Helper()
	ctx := t.Context()
	owner := newUser("owner")
	owner.Role = store.RoleOwner
	must(t, "CreateFirstOwner", s.CreateFirstOwner(ctx, owner))
	odd := newUser("o\\d\td\nü")
	must(t, "CreateUser", s.CreateUser(ctx, odd))
	must(t, "CreateSession", s.CreateSession(ctx, store.Session{
		ID: newID(), TokenHash: [32]byte{0, '\\', '\n', 255}, UserID: owner.ID, Client: "cli",
		CreatedAt: at(0), ExpiresAt: at(time.Hour), LastUsedAt: at(0), Address: "2001:db8::1", UserAgent: "a\\d\tü",
	}))
	must(t, "AppendAudit", s.AppendAudit(ctx, auditEntry(at(0), "o\\d\td\nü", "signIn", "", 401)))
	for i := range 3 {
		app := addApp(t, s, fmt.Sprintf("app-%d", i))
		must(t, "AddMember", s.AddMember(ctx, member(app, odd, store.AppEditor)))
		must(t, "CreateAPIKey", s.CreateAPIKey(ctx, newKey(fmt.Sprintf("k%d", i), odd, []store.App{{}, app, app}[i], store.ScopeRead, store.ScopeInvoke)))
		must(t, "Commit", second(s.Commit(ctx, store.Commit{
			AppID: app.ID, RunID: newID(), Seq: 1, At: at(0),
			Ops: []store.KVOp{{Kind: store.KVSet, Key: "a\\\tü", Value: []byte("\x00\xff\\N\t\n"), Expires: at(time.Hour)}, {Kind: store.KVAdd, Key: "n", Delta: int64(i)}},
		})))
		m := store.Message{
			ID: newID(), Channel: store.Channel{AppID: app.ID, Kind: store.ChannelQueue, Name: "emails"}, Source: "emails",
			Payload: []byte("\x00\xff\\N\t\n"), Depth: 1, CreatedAt: at(0), DueAt: at(time.Hour), IdempotencyKey: "k\\\t", TokenHash: "token",
		}
		must(t, "Enqueue", second(s.Enqueue(ctx, m)))
		must(t, "Commit", second(s.Commit(ctx, store.Commit{
			AppID: app.ID, At: at(0), Finished: &store.Invocation{ID: m.ID, Script: "s", Response: []byte("\x00\xff\\N\t\n")},
		})))
		must(t, "PutSecrets", second(s.PutSecrets(ctx, app.ID, []store.SealedSecret{sealed("TOKEN", "\x00\xff\\N\t\n")}, "ada", at(0))))
		for j := range 4 {
			addScript(t, s, app, fmt.Sprintf("script-%d", j%3), source()+"\x00\xff\\N\t\n"+string(noise(50_000)))
		}
		must(t, "ChangeManifest", second(s.ChangeManifest(ctx, app.ID, "a schedule", "ada", at(0), func(m *store.Manifest) error {
			m.Schedules = map[string]store.ManifestSchedule{"report": daily("script-0")}
			return nil
		})))
		must(t, "DeleteScript", second(s.DeleteScript(ctx, app.ID, "script-1", "x", at(time.Hour))))
	}
}

// everything reads all that a store can tell, as text.
func everything(t *testing.T, s store.Store) (out []string) {
	t.Helper()
	ctx := t.Context()
	all := store.Page{Limit: 1000}
	add := func(err error, v any) {
		t.Helper()
		must(t, "reading everything", err)
		out = append(out, fmt.Sprintf("%+v", v))
	}
	users, err := s.ListUsers(ctx, all)
	add(err, users)
	session, _, err := s.SessionByToken(ctx, [32]byte{0, '\\', '\n', 255}, at(0))
	add(err, session)
	keys, err := s.ListAPIKeys(ctx, "", all)
	add(err, keys)
	audit, err := s.ListAudit(ctx, store.AuditFilter{Limit: 1000})
	add(err, audit)
	apps, err := s.ListApps(ctx, all)
	add(err, apps)
	scripts, err := s.ListAllScripts(ctx, all)
	add(err, scripts)
	for _, script := range scripts {
		versions, err := s.ListVersions(ctx, script.ID, all)
		add(err, versions)
		for _, v := range versions {
			v, err := s.ScriptVersion(ctx, script.ID, v.Number)
			add(err, v)
		}
	}
	sealing, err := s.SecretKeys(ctx)
	add(err, sealing)
	for _, app := range apps {
		data, _, err := s.KVList(ctx, store.KVQuery{AppID: app.ID, Limit: 1000}, at(0))
		add(err, data)
		used, err := s.KVUsage(ctx, app.ID)
		add(err, used)
		for _, c := range []store.ChannelKind{store.ChannelQueue, store.ChannelTopic} {
			states, err := s.Channels(ctx, app.ID, c, at(0))
			add(err, states)
			messages, _, err := s.Messages(ctx, store.MessageFilter{Channel: store.Channel{AppID: app.ID, Kind: c, Name: "emails"}, Limit: 1000})
			add(err, messages)
			for _, m := range messages {
				answer, err := s.Invocation(ctx, app.ID, m.ID)
				add(err, answer)
			}
		}
		schedules, err := s.Schedules(ctx, app.ID)
		add(err, schedules)
		secrets, err := s.ListSecrets(ctx, app.ID, all)
		add(err, secrets)
		token, err := s.SealedSecret(ctx, app.ID, "TOKEN")
		add(err, token)
		members, err := s.ListMembers(ctx, app.ID, all)
		add(err, members)
		deployments, err := s.ListDeployments(ctx, app.ID, all)
		add(err, deployments)
		for _, d := range deployments {
			d, err := s.Deployment(ctx, app.ID, d.Number)
			add(err, d)
		}
	}
	return out
}

// testBackupWhileWriting takes backups beside a writer: each is a moment of the
// store, not a mixture.
func testBackupWhileWriting(t *testing.T, s store.Store, restore Restore) {
	app := addApp(t, s, "demo")
	stop, ended := make(chan struct{}), make(chan struct{})
	var turn sync.Mutex // held while nothing is to be written
	turn.Lock()
	go func() {
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			default:
			}
			turn.Lock()
			_, err := s.DeployScript(context.Background(), deployOf(app, "hello", source()+string(noise(2000)), at(0)))
			turn.Unlock()
			if err != nil {
				t.Errorf("DeployScript: %v", err)
				return
			}
		}
	}()
	var backups [][]byte
	for range 3 {
		least := active(t, s, "demo").Number
		var b bytes.Buffer
		turn.Unlock()
		must(t, "Backup", s.Backup(t.Context(), &b))
		turn.Lock()
		backups = append(backups, b.Bytes())
		got, err := restore(t, b.Bytes())
		must(t, "Restore", err)
		d := active(t, got, "demo")
		if d.Number < least {
			t.Errorf("the backup has deployment %d, %d was acknowledged before it", d.Number, least)
		}
		if d.Number > 1 {
			equal(t, "version in the manifest", d.Manifest.Scripts["hello"].Version, d.Number-1)
			_, err = got.ScriptVersion(t.Context(), d.Manifest.Scripts["hello"].ScriptID, d.Number-1)
			must(t, "its source", err)
		}
		list, err := got.ListDeployments(t.Context(), app.ID, store.Page{Limit: 1})
		must(t, "ListDeployments", err)
		equal(t, "newest", list[0].Number, d.Number)
	}
	close(stop)
	turn.Unlock()
	<-ended
	if bytes.Equal(backups[0], backups[len(backups)-1]) {
		t.Error("the backups are equal: nothing was written meanwhile")
	}
}
