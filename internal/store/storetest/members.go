package storetest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// addUser creates a user with an instance role.
func addUser(t *testing.T, s store.Store, name string, role store.Role) store.User {
	t.Helper()
	u := newUser(name)
	u.Role = role
	must(t, "CreateUser", s.CreateUser(t.Context(), u))
	return u
}

func member(a store.App, u store.User, role store.AppRole) store.Member {
	return store.Member{
		AppID: a.ID, AppSlug: a.Slug, UserID: u.ID, Username: u.Username, Role: role,
		CreatedAt: at(0), UpdatedAt: at(time.Second),
	}
}

func testLastOwner(t *testing.T, s store.Store) {
	ctx := t.Context()
	ada, zoe := addUser(t, s, "ada", store.RoleOwner), addUser(t, s, "zoe", store.RoleMember)
	nobody := newUser("nobody")
	wantErr(t, "SetRole of nobody", s.SetRole(ctx, nobody.ID, store.RoleAdmin, at(0)), store.ErrNotFound)
	wantErr(t, "DeleteUser of nobody", s.DeleteUser(ctx, nobody.ID), store.ErrNotFound)
	wantErr(t, "demoting the last owner", s.SetRole(ctx, ada.ID, store.RoleAdmin, at(0)), store.ErrLastOwner)
	wantErr(t, "removing the last owner", s.DeleteUser(ctx, ada.ID), store.ErrLastOwner)
	must(t, "an owner stays one", s.SetRole(ctx, ada.ID, store.RoleOwner, at(0)))
	must(t, "promoting", s.SetRole(ctx, zoe.ID, store.RoleOwner, at(time.Hour)))
	got, err := s.User(ctx, zoe.ID)
	must(t, "User", err)
	zoe.Role, zoe.UpdatedAt = store.RoleOwner, at(time.Hour)
	equal(t, "after SetRole", got, zoe)

	// Two owners who make way for each other at once: one has to stay.
	var wg sync.WaitGroup
	errs := make([]error, 2)
	wg.Go(func() { errs[0] = s.SetRole(ctx, ada.ID, store.RoleMember, at(0)) })
	wg.Go(func() { errs[1] = s.DeleteUser(ctx, zoe.ID) })
	wg.Wait()
	refused := 0
	for _, err := range errs {
		if errors.Is(err, store.ErrLastOwner) {
			refused++
		} else {
			must(t, "the one that came first", err)
		}
	}
	equal(t, "refused", refused, 1)
}

func testMembers(t *testing.T, s store.Store) {
	ctx := t.Context()
	ada, zoe := addUser(t, s, "ada", store.RoleMember), addUser(t, s, "zoe", store.RoleMember)
	shop, blog := addApp(t, s, "shop"), addApp(t, s, "blog")
	zoeShop, adaShop, adaBlog := member(shop, zoe, store.AppViewer), member(shop, ada, store.AppAdmin), member(blog, ada, store.AppEditor)
	for _, m := range []store.Member{zoeShop, adaShop, adaBlog} {
		must(t, "AddMember", s.AddMember(ctx, m))
	}
	wantErr(t, "a member already", s.AddMember(ctx, zoeShop), store.ErrTaken)
	wantErr(t, "no such user", s.AddMember(ctx, member(shop, newUser("nobody"), store.AppViewer)), store.ErrNotFound)
	wantErr(t, "no such app", s.AddMember(ctx, member(newApp("nowhere"), ada, store.AppViewer)), store.ErrNotFound)

	got, err := s.Member(ctx, shop.ID, zoe.ID)
	must(t, "Member", err)
	equal(t, "Member", got, zoeShop)
	_, err = s.Member(ctx, blog.ID, zoe.ID)
	wantErr(t, "no member", err, store.ErrNotFound)
	list := func(m []store.Member, err error) []store.Member { t.Helper(); must(t, "list", err); return m }
	equal(t, "members", list(s.ListMembers(ctx, shop.ID, store.Page{Limit: 10})), []store.Member{adaShop, zoeShop})
	equal(t, "second page", list(s.ListMembers(ctx, shop.ID, store.Page{After: "ada", Limit: 1})), []store.Member{zoeShop})
	equal(t, "memberships", list(s.ListMemberships(ctx, ada.ID, store.Page{Limit: 10})), []store.Member{adaBlog, adaShop})
	equal(t, "second page", list(s.ListMemberships(ctx, ada.ID, store.Page{After: "blog", Limit: 10})), []store.Member{adaShop})

	must(t, "SetMemberRole", s.SetMemberRole(ctx, shop.ID, zoe.ID, store.AppEditor, at(time.Hour)))
	zoeShop.Role, zoeShop.UpdatedAt = store.AppEditor, at(time.Hour)
	got, err = s.Member(ctx, shop.ID, zoe.ID)
	must(t, "Member", err)
	equal(t, "with another role", got, zoeShop)
	wantErr(t, "a role for no member", s.SetMemberRole(ctx, blog.ID, zoe.ID, store.AppEditor, at(0)), store.ErrNotFound)

	addScript(t, s, shop, "cart", source())
	addScript(t, s, blog, "post", source())
	slugs := func(see store.Sight) (out []string) {
		t.Helper()
		apps, err := s.ListApps(ctx, store.Page{Limit: 10, See: see})
		must(t, "ListApps", err)
		for _, a := range apps {
			out = append(out, a.Slug)
		}
		scripts, err := s.ListAllScripts(ctx, store.Page{Limit: 10, See: see})
		must(t, "ListAllScripts", err)
		for _, v := range scripts {
			out = append(out, v.AppSlug+"/"+v.Name)
		}
		return out
	}
	equal(t, "what zoe sees", slugs(store.Sight{Member: zoe.ID}), []string{"shop", "shop/cart"})
	equal(t, "what ada sees", slugs(store.Sight{Member: ada.ID}), []string{"blog", "shop", "blog/post", "shop/cart"})
	equal(t, "one app", slugs(store.Sight{AppID: blog.ID}), []string{"blog", "blog/post"})
	equal(t, "both", slugs(store.Sight{Member: zoe.ID, AppID: blog.ID}), nil)

	must(t, "RemoveMember", s.RemoveMember(ctx, shop.ID, zoe.ID))
	wantErr(t, "removing who has gone", s.RemoveMember(ctx, shop.ID, zoe.ID), store.ErrNotFound)
	equal(t, "what zoe sees afterwards", slugs(store.Sight{Member: zoe.ID}), nil)
	must(t, "DeleteApp", s.DeleteApp(ctx, blog.ID, true, "x", at(0)))
	equal(t, "after the app went", list(s.ListMemberships(ctx, ada.ID, store.Page{Limit: 10})), []store.Member{adaShop})
	must(t, "DeleteUser", s.DeleteUser(ctx, ada.ID))
	equal(t, "after the user went", list(s.ListMembers(ctx, shop.ID, store.Page{Limit: 10})), nil)
}

func newKey(id string, u store.User, a store.App, scopes ...store.Scope) store.APIKey {
	return store.APIKey{
		ID: id, TokenHash: [32]byte{1, 2, 255}, UserID: u.ID, Username: u.Username, Name: "key " + id, Scopes: scopes,
		AppID: a.ID, AppSlug: a.Slug, CreatedAt: at(0),
	}
}

func testAPIKeys(t *testing.T, s store.Store) {
	ctx := t.Context()
	ada, zoe := addUser(t, s, "ada", store.RoleAdmin), addUser(t, s, "zoe", store.RoleMember)
	shop := addApp(t, s, "shop")
	all := newKey("a1", ada, store.App{}, store.ScopeRead, store.ScopeDeploy)
	bound := newKey("b2", ada, shop, store.ScopeInvoke)
	bound.ExpiresAt = at(time.Hour)
	other := newKey("c3", zoe, store.App{}, store.ScopeAdmin)
	for _, k := range []store.APIKey{bound, all, other} {
		must(t, "CreateAPIKey", s.CreateAPIKey(ctx, k))
	}
	again := newKey("d4", ada, store.App{}, store.ScopeRead)
	again.Name = all.Name
	wantErr(t, "a name that its owner uses", s.CreateAPIKey(ctx, again), store.ErrTaken)
	wantErr(t, "a key of nobody", s.CreateAPIKey(ctx, newKey("e5", newUser("nobody"), store.App{})), store.ErrNotFound)
	wantErr(t, "a key for no app", s.CreateAPIKey(ctx, newKey("e5", ada, newApp("nowhere"))), store.ErrNotFound)

	k, u, err := s.APIKeyByID(ctx, "b2", at(time.Hour-time.Microsecond))
	must(t, "APIKeyByID", err)
	equal(t, "key", k, bound)
	equal(t, "its owner", u, ada)
	_, _, err = s.APIKeyByID(ctx, "b2", at(time.Hour))
	wantErr(t, "an expired key", err, store.ErrNotFound)
	k, err = s.APIKey(ctx, "b2")
	must(t, "APIKey", err)
	equal(t, "an expired key is still shown", k, bound)
	_, _, err = s.APIKeyByID(ctx, "a1", at(1_000_000*time.Hour))
	must(t, "a key that never expires", err)
	_, _, err = s.APIKeyByID(ctx, "zz", at(0))
	wantErr(t, "no such key", err, store.ErrNotFound)

	list := func(user string, p store.Page) []store.APIKey {
		t.Helper()
		keys, err := s.ListAPIKeys(ctx, user, p)
		must(t, "ListAPIKeys", err)
		return keys
	}
	equal(t, "ada's keys", list(ada.ID, store.Page{Limit: 10}), []store.APIKey{all, bound})
	equal(t, "second page", list(ada.ID, store.Page{After: "a1", Limit: 10}), []store.APIKey{bound})
	equal(t, "all keys", list("", store.Page{Limit: 10}), []store.APIKey{all, bound, other})

	must(t, "TouchAPIKey", s.TouchAPIKey(ctx, "a1", at(time.Minute)))
	all.LastUsedAt = at(time.Minute)
	k, err = s.APIKey(ctx, "a1")
	must(t, "APIKey", err)
	equal(t, "after a use", k, all)
	wantErr(t, "touching what has gone", s.TouchAPIKey(ctx, "zz", at(0)), store.ErrNotFound)

	must(t, "DeleteAPIKey", s.DeleteAPIKey(ctx, "a1"))
	wantErr(t, "deleting what has gone", s.DeleteAPIKey(ctx, "a1"), store.ErrNotFound)
	_, err = s.APIKey(ctx, "a1")
	wantErr(t, "a key that was ended", err, store.ErrNotFound)
	must(t, "DeleteApp", s.DeleteApp(ctx, shop.ID, true, "x", at(0)))
	equal(t, "after the app went", list(ada.ID, store.Page{Limit: 10}), nil)
	must(t, "DeleteUser", s.DeleteUser(ctx, zoe.ID))
	equal(t, "after the user went", list("", store.Page{Limit: 10}), nil)
}
