package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"pitwall/config/secrets"
	"pitwall/runtime/api"
	"pitwall/snapshots"
	"pitwall/snapshots/objstore/bucket"
)

// store checks that the store answers and can be written to; false ends the questions to it.
func (d *doctor) store(ctx context.Context) bool {
	if d.Store == nil {
		d.add(lineStore, api.FindingProblem, d.StoreErr, "correct snapshots.location and its params")
		return false
	}
	if _, err := d.Store.Datasets(ctx); err != nil {
		d.add(lineStore, api.FindingProblem, d.text(err), cmpText(snapshots.HintOf(err), "check snapshots.location, its params and the network"))
		return false
	}
	d.add(lineStore, api.FindingOK, d.Store.Location()+" answers", "")
	if len(d.writes) > 0 {
		d.conditional(ctx)
		d.add(lineReaders, api.FindingNone, "snapshots are written here: "+namesOf(d.writes), "")
		return true
	}
	d.add(lineConditional, api.FindingNone, "nothing here writes snapshots", "")
	d.readers(ctx)
	return true
}

func cmpText(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func (d *doctor) conditional(ctx context.Context) {
	if d.ReadOnly {
		d.add(lineConditional, api.FindingNone, "not tried: --read-only", "")
		return
	}
	switch err := d.Store.Prove(ctx); {
	case err == nil:
		d.add(lineConditional, api.FindingOK, "a write whose condition does not hold is refused", "")
	case snapshots.KindOf(err) == snapshots.Denied:
		d.add(lineConditional, api.FindingProblem, d.text(err), "allow the credentials to write below "+d.Store.Location()+", or use snapshots: bootstrap_only")
	default:
		d.add(lineConditional, api.FindingProblem, d.text(err), "")
	}
}

func (d *doctor) readers(ctx context.Context) {
	if d.ReadOnly {
		d.add(lineReaders, api.FindingNone, "not tried: --read-only", "")
		return
	}
	switch ok, err := d.Store.MayWrite(ctx); {
	case err != nil:
		d.add(lineReaders, api.FindingNone, "it can't be told: "+d.text(err), "")
	case ok:
		d.add(lineReaders, api.FindingWarning, "all datasets only load snapshots, but these credentials can write", "give readers a role or a key that can only read and list")
	default:
		d.add(lineReaders, api.FindingOK, "the store refuses writes", "")
	}
}

// bucket checks what the vendor tells of the bucket.
func (d *doctor) bucket(ctx context.Context) {
	b, err := d.Store.Bucket(ctx)
	if err != nil || b == nil {
		why := "the store is a folder"
		if err != nil {
			why = d.text(err)
		}
		for _, line := range []string{lineVersioning, lineLifecycle, lineCredentials, lineRegion} {
			remedy := ""
			if b == nil && err == nil && line == lineVersioning {
				remedy = "have backups of the folder: a file system keeps no old versions"
			}
			d.add(line, api.FindingNone, why, remedy)
		}
		return
	}
	d.versioning(b)
	d.lifecycle(b)
	d.credentials(b)
	d.region(b)
}

// untold adds a finding about what the store does not tell.
func (d *doctor) untold(line string, err error, remedy string) {
	found := "the store does not tell"
	if !errors.Is(err, bucket.ErrUntold) {
		found = "it can't be told: " + err.Error()
	}
	d.add(line, api.FindingNone, found, remedy)
}

// bucketName is the bucket of the location, and the vendor's scheme.
func (d *doctor) bucketName() (scheme, name string) {
	scheme, rest, _ := strings.Cut(d.Store.Location(), "://")
	name, _, _ = strings.Cut(rest, "/")
	return scheme, name
}

func (d *doctor) versioning(b *snapshots.Bucket) {
	scheme, name := d.bucketName()
	remedy := ""
	switch scheme {
	case "s3", "s3a":
		remedy = "aws s3api put-bucket-versioning --bucket " + name + " --versioning-configuration Status=Enabled"
		if e := d.Config.Snapshots.Params["s3_endpoint"].Reveal(); e != "" {
			remedy += " --endpoint-url " + e
		}
	case "gs", "gcs":
		remedy = "gcloud storage buckets update gs://" + name + " --versioning"
	default:
		remedy = "az storage account blob-service-properties update --enable-versioning true"
	}
	switch {
	case b.VersionedErr != nil:
		d.untold(lineVersioning, b.VersionedErr, "see that it is on: "+remedy)
	case b.Versioned:
		d.add(lineVersioning, api.FindingOK, "old versions are kept", "")
	default:
		d.add(lineVersioning, api.FindingWarning, "an object that is removed or replaced by mistake is gone, metadata.json too", remedy)
	}
}

// lifecycle looks for rules on the prefix: those that remove snapshots which are still needed, and those that
// keep old ones from piling up.
func (d *doctor) lifecycle(b *snapshots.Bucket) {
	where := cmpText(b.Prefix, "the whole bucket")
	advice := fmt.Sprintf("have a rule on %s remove objects, and old versions, after the time that you want to be able to go back, and abort uploads that were never finished; or set snapshots_retain", where)
	if b.RulesErr != nil {
		d.untold(lineLifecycle, b.RulesErr, advice)
		return
	}
	var rules, kept []string
	for _, ds := range d.writes { // what pitwall itself removes
		if r := ds.Acceleration.SnapshotsRetain; r.Set() {
			kept = append(kept, ds.Name)
		}
	}
	days := 0 // after which the first rule removes objects
	for _, r := range b.Rules {
		if !r.Covers(b.Prefix) || r.Narrow || r.Days == 0 && !r.OldVersions {
			continue
		}
		text := fmt.Sprintf("rule %q", r.Name)
		if r.Days > 0 {
			text += fmt.Sprintf(" removes objects after %d days", r.Days)
			if days == 0 || r.Days < days {
				days = r.Days
			}
		} else {
			text += " removes old versions"
		}
		rules = append(rules, text)
	}
	found := strings.Join(rules, ", ")
	var soon, still []string
	for _, ds := range d.writes {
		if p, _ := period(ds, d.Now); days > 0 && p > 0 && 2*p > time.Duration(days)*24*time.Hour {
			soon = append(soon, ds.Name)
		} else if days > 0 && ds.Acceleration.SnapshotsCreationPolicy == "on_change" {
			still = append(still, ds.Name)
		}
	}
	switch {
	case len(rules) == 0 && len(kept) > 0 && len(kept) == len(d.writes) && !b.Versioned:
		d.add(lineLifecycle, api.FindingOK, "no rule covers "+where+", and none is needed: snapshots_retain bounds what is kept", "")
	case len(rules) == 0 && len(kept) > 0 && len(kept) == len(d.writes):
		d.add(lineLifecycle, api.FindingWarning, "snapshots_retain removes snapshots, but no rule covers "+where+": their old versions pile up", advice)
	case len(rules) == 0:
		d.add(lineLifecycle, api.FindingWarning, "no rule covers "+where+": old snapshots pile up", advice)
	case len(soon) > 0:
		d.add(lineLifecycle, api.FindingProblem, found+": before the next snapshot of "+names(soon)+" comes", "have it keep objects for longer, or write snapshots more often")
	case len(still) > 0:
		d.add(lineLifecycle, api.FindingWarning, fmt.Sprintf("%s: also the only good one of a dataset that does not change for so long (%s)", found, names(still)),
			"snapshots_creation_policy: always writes a fresh one at each trigger")
	default:
		d.add(lineLifecycle, api.FindingOK, found, "")
	}
}

func (d *doctor) credentials(b *snapshots.Bucket) {
	if b.LoginErr != nil {
		d.untold(lineCredentials, b.LoginErr, "")
		return
	}
	switch l := b.Login; l.Kind {
	case bucket.LoginRole:
		d.add(lineCredentials, api.FindingOK, "a role: "+l.From, "")
	case bucket.LoginTemporary:
		d.add(lineCredentials, api.FindingWarning, "they end some day, and nobody renews them: "+l.From, "use the role of the machine or the pod (IRSA, workload identity)")
	case bucket.LoginNone:
		d.add(lineCredentials, api.FindingNone, "none are used: "+l.From, "")
	default:
		d.add(lineCredentials, api.FindingWarning, "a key that is good until somebody takes it back: "+l.From, "use the role of the machine or the pod (IRSA, workload identity); for S3 that is s3_auth: iam_role")
	}
}

// region compares with where the runtime is, as far as it knows.
func (d *doctor) region(b *snapshots.Bucket) {
	if b.RegionErr != nil {
		d.untold(lineRegion, b.RegionErr, "")
		return
	}
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		here := d.Getenv(name)
		if scheme, _ := d.bucketName(); here == "" || scheme != "s3" && scheme != "s3a" {
			continue
		}
		if strings.EqualFold(here, b.Region) {
			d.add(lineRegion, api.FindingOK, "both are in "+here, "")
			return
		}
		d.add(lineRegion, api.FindingWarning, fmt.Sprintf("the bucket is in %s, the runtime in %s (%s)", b.Region, here, name), "a bucket in the same region loads faster, and costs no transfer")
		return
	}
	d.add(lineRegion, api.FindingNone, "the bucket is in "+b.Region+"; where the runtime is, is not known", "AWS_REGION would tell")
}

// storeSecrets are the params that must not stand in the spicepod.
var storeSecrets = []string{"s3_secret", "s3_session_token", "gcs_service_account_key", "abfs_access_key", "abfs_sas_string", "abfs_client_secret"}

// secrets looks for them.
func (d *doctor) secrets() {
	var plain []string
	kept := 0
	for k, v := range d.Config.Snapshots.Params {
		switch {
		case !slices.Contains(storeSecrets, k) || v.Reveal() == "":
		case secrets.HasPlaceholder(v.Raw()):
			kept++
		default:
			plain = append(plain, k)
		}
	}
	slices.Sort(plain)
	switch {
	case len(plain) > 0:
		d.add(lineSecrets, api.FindingProblem, "snapshots.params has it in clear text: "+strings.Join(plain, ", "), "replace it by ${env:NAME} or ${store:key}, and change the secret: whoever saw the file has it")
	case kept > 0:
		d.add(lineSecrets, api.FindingOK, "they come from a secret store", "")
	default:
		d.add(lineSecrets, api.FindingOK, "snapshots.params needs none", "")
	}
}

// text is an error without the secrets of the spicepod.
func (d *doctor) text(err error) string { return d.Config.Redactor().Redact(err.Error()) }
