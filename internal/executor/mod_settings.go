package executor

import (
	"errors"
	"fmt"
	"strings"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/rhai"
)

// settingFunction is a function that is asked for a variable or a secret by name.
func settingFunction(name string, p []rhai.Param, returns, doc, example string, f func(*rhai.Call, *run) (rhai.Value, error)) *rhai.Native {
	return &rhai.Native{
		Name: name, Params: p, Returns: returns, Doc: doc, Example: example, Effects: rhai.Volatile,
		Fn: func(c *rhai.Call) (rhai.Value, error) {
			r := runOf(c.Context())
			if r == nil {
				return rhai.Value{}, throw("there are no variables and secrets outside an execution")
			}
			if err := store.CheckSettingName(text(c, 0)); err != nil {
				return rhai.Value{}, throw(err.Error())
			}
			if err := c.Charge(kvCharge); err != nil {
				return rhai.Value{}, err
			}
			return f(c, r)
		},
	}
}

func envModule() *rhai.Module {
	get := func(c *rhai.Call, r *run, or rhai.Value) (rhai.Value, error) {
		value, ok, err := r.variable(text(c, 0))
		if err != nil || !ok {
			return or, err
		}
		if err := work(c, len(value)); err != nil {
			return rhai.Value{}, err
		}
		return c.String(value)
	}
	name := textParam("name")
	return rhai.NewModule("env").
		Describe("The app's variables: settings that differ from one installation to the next and are no secrets. They are text, "+
			"stand in the deployment, and are changed with `pic vars`. See [the guide](../variables.md).").
		Register(
			settingFunction("get", params(name), "string", "The value of a variable, `()` if there is none.", `env::get("REGION") // "eu"`,
				func(c *rhai.Call, r *run) (rhai.Value, error) { return get(c, r, rhai.Unit()) }),
			stores(settingFunction("get", params(name, anyParam("default")), "any", "The value of a variable, `default` if there is none.", `env::get("PAGE_SIZE", "20") // "20"`,
				func(c *rhai.Call, r *run) (rhai.Value, error) { return get(c, r, c.Arg(1)) })),
		)
}

// secretModule is the module secret; setSecret says how a missing one is set, with NAME and APP for the names.
func secretModule(setSecret string) *rhai.Module {
	name := textParam("name")
	return rhai.NewModule("secret").
		Describe("The app's secrets: passwords, tokens and keys. They are set with `pic secrets`, kept sealed, and shown to nobody but the app's scripts. "+
			"What an execution logs, and its error, have `[secret:NAME]` in the place of each secret that it has read; what it answers, stores or sends has not. "+
			"See [the guide](../secrets.md).").
		Register(
			settingFunction("get", params(name), "string", "The value of a secret. It throws when the app has none of that name.",
				`crypto::hmac_sha256(secret::get("WEBHOOK_KEY"), "body").len() // 32`,
				func(c *rhai.Call, r *run) (rhai.Value, error) {
					value, ok, err := r.secret(text(c, 0))
					if err != nil {
						return rhai.Value{}, err
					}
					if !ok {
						return rhai.Value{}, throw("the app has no secret " + text(c, 0) + ": " + strings.NewReplacer("NAME", text(c, 0), "APP", r.start.App).Replace(setSecret))
					}
					if err := work(c, len(value)); err != nil {
						return rhai.Value{}, err
					}
					return c.String(value)
				}),
			settingFunction("has", params(name), "bool", "Whether the app has a secret.", `secret::has("WEBHOOK_KEY") // true`,
				func(c *rhai.Call, r *run) (rhai.Value, error) {
					_, ok, err := r.secret(text(c, 0))
					return rhai.Bool(ok), err
				}),
		)
}

// variable returns a variable of the run's deployment. The host is asked once.
func (r *run) variable(name string) (value string, ok bool, err error) {
	if r.variables == nil {
		all, err := r.host.Variables(&r.ctx)
		if err != nil {
			return "", false, r.unreadable(err)
		}
		if all == nil {
			all = map[string]string{}
		}
		r.variables = all
	}
	value, ok = r.variables[name]
	return value, ok, nil
}

// secret returns a secret of the app. A run sees the same value as long as it
// lasts, and from then on what is recorded of it hides that.
func (r *run) secret(name string) (value string, ok bool, err error) {
	if r.logs.mask == nil {
		r.logs.mask = &mask{}
	}
	if value, ok = r.logs.mask.values[name]; ok {
		return value, true, nil
	}
	value, err = r.host.Secret(&r.ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return "", false, nil
	}
	if err != nil {
		return "", false, r.unreadable(err)
	}
	if r.logs.mask.bytes+len(value) > maxMasked {
		return "", false, r.exceed(fmt.Sprintf("the limit of %d KiB of secrets that one execution reads", maxMasked>>10))
	}
	r.logs.mask.add(name, value)
	return value, true, nil
}
