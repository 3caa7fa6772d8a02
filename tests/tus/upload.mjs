// Has tus-js-client do to a server what one JSON object on the command line asks, and prints what became of it.
// `stopAt`: break off once so many bytes are on their way, and go on with another Upload, as after a restart.
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import * as tus from "tus-js-client";

const asked = JSON.parse(process.argv[2]);

async function source() {
  return asked.buffer ? await readFile(asked.path) : createReadStream(asked.path);
}

async function run(uploadUrl, stopAt) {
  const input = await source();
  return await new Promise((resolve, reject) => {
    let last = null;
    const upload = new tus.Upload(input, {
      endpoint: asked.endpoint,
      uploadUrl,
      headers: { Authorization: `Bearer ${asked.token}` },
      metadata: asked.metadata,
      chunkSize: asked.chunkSize ?? Infinity,
      retryDelays: asked.retryDelays ?? null,
      uploadDataDuringCreation: asked.duringCreation ?? false,
      overridePatchMethod: asked.overridePatchMethod ?? false,
      onAfterResponse: (_request, response) => {
        last = response;
      },
      onProgress: (sent) => {
        if (stopAt !== undefined && sent >= stopAt) {
          stopAt = undefined;
          upload.abort().then(() => resolve({ url: upload.url, stopped: true }), reject);
        }
      },
      onSuccess: () =>
        resolve({
          url: upload.url,
          place: last.getHeader("Content-Location"),
          offset: last.getHeader("Upload-Offset"),
        }),
      onError: (error) =>
        resolve({ error: error.originalResponse?.getStatus() ?? String(error), body: error.originalResponse?.getBody() }),
    });
    upload.start();
  });
}

let result = await run(asked.uploadUrl ?? null, asked.stopAt);
if (result.stopped) {
  result = { ...(await run(result.url)), resumed: true };
}
if (asked.terminate && result.url) {
  await tus.Upload.terminate(result.url, { headers: { Authorization: `Bearer ${asked.token}` } });
}
console.log(JSON.stringify(result));
