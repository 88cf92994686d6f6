package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/picloud/picloud/internal/store"
)

var cheap = Params{Passes: 1, MemoryKiB: 64, Threads: 1}

func TestHashes(t *testing.T) {
	h := NewHasher(cheap)
	phc, err := h.Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(phc, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Errorf("the hash is %s", phc)
	}
	if again, _ := h.Hash(t.Context(), "correct horse"); again == phc {
		t.Error("two hashes have the same salt")
	}
	for _, c := range []struct {
		phc, password string
		want          bool
	}{
		{phc, "correct horse", true},
		{phc, "correct horsf", false},
		{phc, "", false},
		{"", "", false},
		{"", "correct horse", false},
	} {
		// One made with other costs is checked with its own.
		if got, err := NewHasher(Params{Passes: 2, MemoryKiB: 128, Threads: 1}).Verify(t.Context(), c.phc, c.password); got != c.want || err != nil {
			t.Errorf("Verify(%q, %q) = %v, %v", c.phc, c.password, got, err)
		}
	}
	for _, damaged := range []string{
		"x", "$argon2i$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5", "$argon2id$v=18$m=64,t=1,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5",
		"$argon2id$v=19$m=99999999,t=1,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5", "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$", strings.Replace(phc, "t=1", "t=0", 1),
	} {
		if ok, err := h.Verify(t.Context(), damaged, "correct horse"); ok || err == nil {
			t.Errorf("Verify(%q) = %v, %v", damaged, ok, err)
		}
	}
	if ok, err := h.Verify(t.Context(), phc, "correct horse"); !ok || err != nil {
		t.Error("the hash no longer verifies")
	}
}

func TestDefaultCosts(t *testing.T) {
	phc, err := NewHasher(DefaultParams).Hash(t.Context(), "correct horse")
	if err != nil || !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("the default hash is %q (%v)", phc, err)
	}
}

func TestHashesWaitTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHasher(cheap)
		h.turn <- struct{}{} // somebody hashes
		ctx, cancel := context.WithCancel(t.Context())
		errs := make(chan error, maxWaiting)
		for range maxWaiting {
			go func() {
				_, err := h.Hash(ctx, "correct horse")
				errs <- err
			}()
		}
		synctest.Wait()
		if _, err := h.Hash(ctx, "correct horse"); !errors.Is(err, ErrBusy) {
			t.Errorf("one too many gets %v", err)
		}
		cancel()
		for range maxWaiting {
			if err := <-errs; !errors.Is(err, context.Canceled) {
				t.Errorf("who gives up gets %v", err)
			}
		}
		<-h.turn
		if n := h.waiting.Load(); n != 0 {
			t.Errorf("%d are left waiting", n)
		}
		if _, err := h.Hash(t.Context(), "correct horse"); err != nil {
			t.Error(err)
		}
	})
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{"ada": "ada", "Ada": "ada", "a": "a", "ada.l-1_x@example.com": "ada.l-1_x@example.com"} {
		if got, err := CheckUsername(name); got != want || err != nil {
			t.Errorf("CheckUsername(%q) = %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"", ".a", "a.", "a b", "é", "a\x00b", strings.Repeat("a", 64)} {
		if got, err := CheckUsername(name); err == nil {
			t.Errorf("CheckUsername(%q) = %q", name, got)
		}
	}
	for _, password := range []string{"", "1234567", "\xff\xff\xff\xff\xff\xff\xff\xff", strings.Repeat("a", MaxPassword+1), "LOVELACE"} {
		if CheckPassword("lovelace", password) == nil {
			t.Errorf("the password %.20q is taken", password)
		}
	}
}

func TestPermissions(t *testing.T) {
	// Who may, in words: the instance roles, the least app role, and the keys.
	const all, some = "owner admin member", "owner admin"
	want := map[Action]string{
		Anyone:   all + " key:any",
		ViewSelf: all + " key:any", OwnSessions: all, ManageSessions: some, SetPassword: all, OwnKeys: all,
		ViewUsers: some + " key:admin", ManageUsers: some + " key:admin", ManageOwners: "owner",
		ManageKeys: some, ViewAudit: some + " key:admin",
		ListApps: all + " key:read", CreateApp: some + " key:admin",
		ViewApp: some + " app:viewer key:read", ManageApp: some + " app:admin key:admin",
		ViewMembers: some + " app:viewer key:read", ManageMembers: some + " app:admin key:admin",
		ViewScripts: some + " app:viewer key:read", ChangeScripts: some + " app:editor key:deploy",
		ViewData: some + " app:editor key:read", ChangeData: some + " app:editor key:deploy",
		ChangeVariables: some + " app:editor key:deploy", ViewSecrets: some + " app:editor key:read", ChangeSecrets: some + " app:editor key:deploy",
		OpenNetworks:  some + " key:admin",
		InvokeScripts: some + " app:editor key:invoke", ViewExecutions: some + " app:viewer key:read",
	}
	for _, p := range Permissions() {
		var got []string
		for _, r := range everyone {
			if May(r, "", p.Action) {
				got = append(got, string(r))
			}
		}
		if !May(store.RoleMember, "", p.Action) {
			for _, a := range appRoles {
				if May(store.RoleMember, a, p.Action) {
					got = append(got, "app:"+string(a))
					break
				}
			}
		}
		if p.Scope != "" {
			got = append(got, "key:"+string(p.Scope))
		}
		if strings.Join(got, " ") != want[p.Action] {
			t.Errorf("%s: %v, want %s", p.Action, got, want[p.Action])
		}
		if p.Does == "" {
			t.Errorf("%s: nobody can read what it is", p.Action)
		}
	}
	if len(want) != len(permissions) {
		t.Errorf("%d actions, %d of them tested", len(permissions), len(want))
	}
	if May(store.RoleOwner, store.AppAdmin, "unheard.of") || May("", "", ListApps) || Allows([]store.Scope{store.ScopeAdmin}, "unheard.of") {
		t.Error("what is not in the table is allowed")
	}
}

func TestScopes(t *testing.T) {
	for scope, want := range map[store.Scope][]Action{
		store.ScopeRead:   {ViewScripts},
		store.ScopeDeploy: {ViewScripts, ChangeScripts},
		store.ScopeInvoke: {InvokeScripts},
		store.ScopeAdmin:  {ViewScripts, ChangeScripts, InvokeScripts, ManageMembers, ManageUsers},
		"unheard.of":      nil,
	} {
		var got []Action
		for _, a := range []Action{ViewScripts, ChangeScripts, InvokeScripts, ManageMembers, ManageUsers, OwnSessions, OwnKeys} {
			if Allows([]store.Scope{scope}, a) {
				got = append(got, a)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s allows %v, want %v", scope, got, want)
		}
	}
	member := Identity{User: store.User{Role: store.RoleMember}, Key: &store.APIKey{Scopes: []store.Scope{store.ScopeAdmin}}}
	if member.May("", "", CreateApp) || member.May("a", store.AppViewer, ChangeScripts) || !member.May("a", store.AppEditor, ChangeScripts) {
		t.Error("a key's rights are not its owner's")
	}
	member.Key.AppID = "a"
	if member.May("b", store.AppEditor, ChangeScripts) || !member.May("a", store.AppEditor, ChangeScripts) || !member.May("", "", ViewSelf) {
		t.Error("a key for one app is not kept to it")
	}
}

func TestKeys(t *testing.T) {
	id, token, hash := NewKey()
	if got, ok := keyID(token); !ok || got != id || hash != sha256.Sum256([]byte(token)) {
		t.Errorf("%s: %q, %v", token, got, ok)
	}
	if _, again, _ := NewKey(); again == token {
		t.Error("two keys are equal")
	}
	for i := range token {
		b := []byte(token)
		b[i] ^= 1
		if got, ok := keyID(string(b)); ok {
			t.Errorf("mistyped at %d: taken as %s", i, got)
		}
	}
	for _, other := range []string{"", "pic_", token + "a", token[:len(token)-1], "pics_" + token[5:]} {
		if _, ok := keyID(other); ok {
			t.Errorf("%q is taken for a key", other)
		}
	}
}

func TestLimiter(t *testing.T) {
	l, now := NewLimiter(3, time.Minute), time.Unix(0, 0)
	for i := range 3 {
		if wait := l.Take("a", now); wait != 0 {
			t.Errorf("%d has to wait %s", i, wait)
		}
	}
	if wait := l.Take("a", now); wait != time.Minute {
		t.Errorf("the fourth has to wait %s", wait)
	}
	if wait := l.Take("b", now); wait != 0 {
		t.Errorf("another has to wait %s", wait)
	}
	if wait := l.Take("a", now.Add(time.Minute)); wait != 0 {
		t.Errorf("after waiting: %s", wait)
	}
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func TestAttempts(t *testing.T) {
	now := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	until := func(a *attempts, account, from string) int {
		n := 0
		for ; n < 1000 && a.take(account, addr(from), now) == nil; n++ {
		}
		return n
	}
	t.Run("one account from one address", func(t *testing.T) {
		if n := until(newAttempts(), "ada", "192.0.2.1"); n != ratePair.burst {
			t.Errorf("%d attempts", n)
		}
	})
	t.Run("many accounts from one address", func(t *testing.T) {
		a, n := newAttempts(), 0
		for ; n < 1000 && a.take(fmt.Sprint("user", n), addr("192.0.2.1"), now) == nil; n++ {
		}
		if n != rateAddress.burst {
			t.Errorf("%d attempts", n)
		}
		if err := a.take("ada", addr("192.0.2.2"), now); err != nil {
			t.Errorf("another address: %v", err)
		}
	})
	t.Run("a network of IPv6 addresses is one", func(t *testing.T) {
		a, n := newAttempts(), 0
		for ; n < 1000 && a.take(fmt.Sprint("user", n), addr(fmt.Sprintf("2001:db8::%x", n+1)), now) == nil; n++ {
		}
		if n != rateAddress.burst {
			t.Errorf("%d attempts", n)
		}
	})
	t.Run("one account from many addresses", func(t *testing.T) {
		a := newAttempts()
		if err := a.take("ada", addr("192.0.2.1"), now); err != nil {
			t.Fatal(err)
		}
		a.succeed("ada", addr("192.0.2.1"))
		n := 0
		for ; n < 250 && a.take("ada", addr(fmt.Sprintf("198.51.100.%d", n)), now) == nil; n++ {
		}
		if n != rateAccount.burst {
			t.Errorf("%d attempts", n)
		}
		if err := a.take("ada", addr("192.0.2.1"), now); err != nil {
			t.Errorf("ada is locked out of where she signs in from: %v", err)
		}
	})
	t.Run("patience", func(t *testing.T) {
		a := newAttempts()
		until(a, "ada", "192.0.2.1")
		var many *TooManyAttempts
		if err := a.take("ada", addr("192.0.2.1"), now); !errors.As(err, &many) || many.RetryAfter != ratePair.refill {
			t.Errorf("refused with %v", err)
		}
		if err := a.take("ada", addr("192.0.2.1"), now.Add(many.RetryAfter)); err != nil {
			t.Errorf("after waiting as told: %v", err)
		}
	})
	t.Run("what was not looked at does not count", func(t *testing.T) {
		a := newAttempts()
		for range 100 {
			if err := a.take("ada", addr("192.0.2.1"), now); err != nil {
				t.Fatal(err)
			}
			a.cancel("ada", addr("192.0.2.1"))
		}
	})
	t.Run("memory is bounded, and the worst are remembered", func(t *testing.T) {
		a := newAttempts()
		until(a, "ada", "192.0.2.1")
		for i := range 3 * maxTracked {
			_ = a.take(fmt.Sprint("user", i), addr(fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)), now) // only its trace counts
			a.succeed(fmt.Sprint("u", i), addr("10.9.9.9"))
		}
		if len(a.pairs) > maxTracked || len(a.addresses) > maxTracked || len(a.accounts) > maxTracked || len(a.known) > maxTracked {
			t.Errorf("tables of %d, %d, %d and %d", len(a.pairs), len(a.addresses), len(a.accounts), len(a.known))
		}
		if a.take("ada", addr("192.0.2.1"), now) == nil {
			t.Error("the flood made us forget who failed most")
		}
	})
	t.Run("at once", func(t *testing.T) {
		a := newAttempts()
		var wg sync.WaitGroup
		var mu sync.Mutex
		n := 0
		for range 100 {
			wg.Go(func() {
				if a.take("ada", addr("192.0.2.1"), now) == nil {
					mu.Lock()
					n++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if n != ratePair.burst {
			t.Errorf("%d attempts", n)
		}
	})
}

func TestRelated(t *testing.T) {
	for _, c := range []struct {
		site, origin string
		want         Relation
	}{
		{"", "", Unstated},
		{"none", "", Unstated},
		{"same-origin", "http://cloud.example:8080", SameOrigin},
		{"same-origin", "", SameOrigin},
		{"same-site", "http://cloud.example:8080", OtherOrigin},
		{"cross-site", "", OtherOrigin},
		{"made-up", "", OtherOrigin},
		{"", "http://cloud.example:8080", SameOrigin},
		{"", "https://CLOUD.example:8080", SameOrigin},
		{"", "http://cloud.example", OtherOrigin},
		{"", "http://demo.cloud.example:8080", OtherOrigin},
		{"", "null", OtherOrigin},
		{"", "http://cloud.example:8080@evil.example", OtherOrigin},
		{"", "://", OtherOrigin},
	} {
		r := &http.Request{Host: "cloud.example:8080", Header: http.Header{}}
		if c.site != "" {
			r.Header.Set("Sec-Fetch-Site", c.site)
		}
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		if got := Related(r); got != c.want {
			t.Errorf("site %q, origin %q: %v, want %v", c.site, c.origin, got, c.want)
		}
	}
}

func TestToken(t *testing.T) {
	for _, c := range []struct {
		authorization, cookie string
		secure                bool
		token                 string
		fromCookie            bool
	}{
		{"", "", false, "", false},
		{"Bearer t", "", false, "t", false},
		{"bearer  t ", "", false, "t", false},
		{"Basic t", "", false, "", false},
		{"Basic t", SessionCookie + "=c", false, "c", true},
		{"Bearer t", SessionCookie + "=c", false, "t", false},
		{"", SessionCookie + "=c", true, "", false},
		{"", SecureSessionCookie + "=c", true, "c", true},
	} {
		r := &http.Request{Header: http.Header{}}
		if c.authorization != "" {
			r.Header.Set("Authorization", c.authorization)
		}
		if c.cookie != "" {
			r.Header.Set("Cookie", c.cookie)
		}
		if token, cookie := Token(r, c.secure); token != c.token || cookie != c.fromCookie {
			t.Errorf("%+v: %q, %v", c, token, cookie)
		}
	}
}
