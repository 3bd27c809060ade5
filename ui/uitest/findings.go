package uitest

import (
	"context"
	"sync"

	"pitwall/runtime/api"
)

// findings is what Doctor answers.
type findings struct {
	list []api.Finding
	err  error
	gate chan struct{} // nil, or Doctor waits until it is closed
}

// SetFindings sets what Doctor returns; with hold it waits until answer is called.
func (c *Console) SetFindings(list []api.Finding, err error, hold bool) (answer func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.findings = findings{list: list, err: err}
	if !hold {
		return func() {}
	}
	gate := make(chan struct{})
	c.findings.gate = gate
	return sync.OnceFunc(func() { close(gate) })
}

// Doctor implements api.Console.
func (c *Console) Doctor(ctx context.Context) ([]api.Finding, error) {
	c.mu.Lock()
	f := c.findings
	c.mu.Unlock()
	if f.gate != nil {
		select {
		case <-f.gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return f.list, f.err
}

// Findings are what the doctor says of the Sample.
func Findings() []api.Finding {
	f := func(check, dataset string, s api.FindingState, title, found, remedy string) api.Finding {
		return api.Finding{Check: check, Dataset: dataset, State: s, Title: title, Found: found, Remedy: remedy}
	}
	return []api.Finding{
		f("store", "", api.FindingOK, "The snapshot store can be reached", "s3://prod/spice/snapshots/ answers", ""),
		f("conditional writes", "", api.FindingOK, "The store obeys conditional writes, so that two writers never overwrite each other", "a write whose condition does not hold is refused", ""),
		f("versioning", "", api.FindingWarning, "The bucket keeps old versions of its objects", "an object that is removed or replaced by mistake is gone, metadata.json too",
			"aws s3api put-bucket-versioning --bucket prod --versioning-configuration Status=Enabled"),
		f("credentials", "", api.FindingWarning, "The credentials are those of a role, not a long-lived key", "a key that is good until somebody takes it back: params s3_key and s3_secret",
			"use the role of the machine or the pod (IRSA, workload identity); for S3 that is s3_auth: iam_role"),
		f("region", "", api.FindingNone, "The bucket is in the region of the runtime", "the bucket is in eu-central-1; where the runtime is, is not known", "AWS_REGION would tell"),
		f("fallback", "", api.FindingOK, "Datasets that must not start empty fall back to older snapshots", "3 datasets: lake.sales_eu, lake.sales_us, lake.sales_ap", ""),
		f("current", "lake.sales_ap", api.FindingProblem, "The current snapshot is there", "the object of snapshot 7 is gone",
			"pitwall snapshots list shows what there is; set-current chooses another one, create writes one"),
		f("failures", "lake.sales_eu", api.FindingProblem, "No snapshot failed within 15 minutes", "2 within 15m, the last 3m ago: write to s3://prod/: SlowDown: Please reduce your request rate", "the events of the dataset tell more"),
	}
}
