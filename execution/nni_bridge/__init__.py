"""Everything that works around NNI 3.0, which is no longer maintained; each with the test that notices when
it is no longer needed (in tests/execution/, or of a whole search in tests/integration/).

- `portal_environment`: its server listens on every interface, trusts any Host and lets paths climb; see
  portal_guard.js (test_portal_guard.py). Trials that start together can get each other's parameters; see
  trial_parameters.js (test_parameters_are_handed_out_from_one_queue). Its
  clients ask the user's HTTP proxy for loopback (test_clients_go_through_a_proxy).
- `CandidateConfig`: a NAS trial's command cannot be set, and its own one imports all of nni.nas and
  Lightning in every trial, seconds each (test_trial_command_is_fixed).
- `CandidateEngine`: a model travels to the trial as a pickle or a traced constructor call; a genotype is
  plain JSON. The id of a trial does not reach a strategy (test_events_lack_the_trial).
- `trials.channel`: NNI's own client imports all of NNI, 2 seconds in every trial (test_channel.py).
- `require_running` in server_end.py: when the server ends, NNI waits for it for ever (test_resume.py).
- channel.py: an address in a metric breaks the connection (test_addresses_break_the_connection); messages
  that come on a resume end the listening thread, and the run hangs for ever
  (test_resume_messages_end_the_listener); a lost connection ends it with a stack trace in the terminal
  (test_a_lost_connection_ends_the_listener).
- database.py: a resumed experiment goes on with the folders and limits of its start
  (test_a_resume_uses_what_was_stored).
- portal_edits.js: the page's edits are obeyed without a word to the launcher (portal/test_edits.py).
- `CandidateExperiment`: its checkpoints need torch's unsafe loading, and hold nothing that the run folder
  does not (test_checkpoint_cannot_be_loaded).
- `Start`: three seconds are all that a starting server gets (test_a_server_gets_three_seconds), and whoever answers
  on its port is taken for it: the experiment is then sent to another search's server
  (test_any_server_on_the_port_is_taken_for_the_own_one).
- `OwnServer`: of a server that has ended the number is sent a signal, whosever that is by then
  (test_a_server_that_has_ended_is_sent_a_signal).
- `_NoList`, experiments_list.js: every experiment is added to a list in the user's home, which grows without end and
  may not be writable, and the page is blank until it is found there (test_experiments_are_listed_in_the_home).
- `config_folder`: it copies a file of settings into the environment that it is installed in, whoever that belongs to
  (test_nni_writes_into_its_environment).
- `RowQueueExperiment`, `view_experiment`: see there.
- trial_places.js: it deals trials out to machines in turn, busy or not, and never gives out the only GPU
  (test_trial_places.py). The GPU is therefore not left to its `trial_gpu_number`.
- trial_starts.js: a trial that cannot be started is started again without pause and end (test_trial_starts.py).
- trial_waits.js: between two trials it waits for two looks half a second apart, and before the first one for a Python
  that imports all of NNI to tell its version (test_trial_waits.py).
- remote_worker.js: its remote workers upgrade NNI there, accept any host key, want the server to listen where
  the machine reaches it, and leave a trial's files there (test_remote_worker.py).
- cluster_channel.js: for a cluster it opens a second port to everyone, and mounts storage by sudo
  (test_cluster_channel.py). printed_channel.py: as `trials.channel`, in a cluster (test_printed_channel.py).
- portal_page.js: its page offers what leads nowhere, and fetches letters and icons from the internet
  (test_portal_page.py). portal_links.js: it shows nothing of a trial until its end (pages/test_front.py).
- portal_pages.js: it has no page for architectures (test_portal_pages.py).
- `CandidateLoop`'s SHOWN, `Channel.report_final`, `update_search_space` in candidates.py: its page draws an axis for
  each parameter, metric and decision, of what is an object too
  (test_nnis_page_is_given_what_a_person_compares, test_a_measurement_beside_a_metric_is_the_searchs_alone).
- trial_files.js: of the log that its page asks for there is none, nor any text of a trial in a cluster or on a machine
  that is not connected (test_trial_files.py).
- log_limits.js: its log and what trials print have no bound, and it never closes a trial's files (test_log_limits.py).
- launcher_watch.js: when the launcher is killed, the server, its port and its trials live on
  (test_resume.py). orphans.py ends what a killed server leaves.
- `import_nas`: whatever is imported of it brings PyTorch Lightning, two fifths of a search's imports
  (strategies/nni_side/test_without_lightning.py).
- `GatedCell`, `OneInput` of the cell space: its Proxyless and its TPE fail on cells
  (search_space/cells/nni_side/test_gated_cell.py, search_space/cells/nni_side/test_one_input.py).
- `nni_log_to`: import-time and run-time messages of NNI go to a file of the run folder.
"""
