"""verif as a resources server of NeMo Gym: put this folder's two files into `resources_servers/verif/` and name the YAML.

    ng_run "+config_paths=[resources_servers/verif/verif.yaml]"

Rows carry their constraints beside `responses_create_params`, for instance `instruction_id_list` and `kwargs`.
"""

from verif.integrations.nemo_gym import VerifServer

if __name__ == "__main__":
    VerifServer.run_webserver()
